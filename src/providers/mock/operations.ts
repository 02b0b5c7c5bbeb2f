import { AtlasError } from "../../errors.ts";
import type {
  CallContext,
  CreateRequest,
  Instance,
  InstanceReference,
  LogLine,
  LogOptions,
  Provider,
} from "../../provider.ts";
import { candidatesOf, gpuTypesOf, offeredFor } from "./catalogue.ts";
import { type Cloud, call } from "./cloud.ts";
import { toInstance } from "./convert.ts";
import { failureOf, type ScriptedFault } from "./faults.ts";
import type { Machine } from "./fleet.ts";
import { parsePlacementOptions } from "./options.ts";

const FOLLOW_MILLISECONDS = 200;
const DEFAULT_BOOT_FAILURE = "the image could not be pulled";

/** The provider's methods. */
export function operationsOf(cloud: Cloud): Required<Provider> {
  const { settings, fleet } = cloud;
  return {
    name: settings.name,
    bootTimeoutSeconds: settings.bootTimeoutSeconds,
    absenceGraceSeconds: settings.listLagSeconds,
    notReadyStatuses: [],
    parseOptions: (options) => parsePlacementOptions(settings.name, options),
    candidates: (request, context) =>
      call(cloud, { operation: "candidates" }, context, () => candidatesOf(settings, request)),
    create: (request, context) => create(cloud, request, context),
    get: (reference, context) =>
      call(
        cloud,
        { operation: "get", ...reference },
        context,
        () => fleet.named(reference).map(toInstance)[0],
      ),
    list: ({ namePrefix }, context) =>
      call(cloud, { operation: "list", name: namePrefix }, context, (fault) =>
        list(cloud, namePrefix, context, fault),
      ),
    find: (name, context) =>
      call(cloud, { operation: "find", name }, context, () => fleet.named({ name }).map(toInstance)),
    terminate: (reference, context) =>
      change(cloud, "terminate", reference, context, (machines) => {
        for (const machine of machines) fleet.terminate(machine);
      }),
    stop: (reference, context) =>
      change(cloud, "stop", reference, context, (machines) => fleet.stop(only(cloud, reference, machines))),
    start: (reference, context) =>
      change(cloud, "start", reference, context, (machines) => fleet.start(only(cloud, reference, machines))),
    logs: (reference, options, context) => logs(cloud, reference, options, context),
    listGpuTypes: (context) =>
      call(cloud, { operation: "listGpuTypes" }, context, () => gpuTypesOf(settings)),
    close: async () => undefined,
  };
}

async function create(cloud: Cloud, request: CreateRequest, context: CallContext): Promise<Instance> {
  const { settings, fleet } = cloud;
  const { gpu, region } = request.candidate;
  const place = { ...(gpu === undefined ? {} : { gpu }), ...(region === undefined ? {} : { region }) };
  const about = { operation: "create", name: request.name, ...place } as const;
  return call(cloud, about, context, (fault) => {
    if (offeredFor(settings, request.candidate)?.stock === "none")
      throw failureOf(settings.name, { ...about, at: settings.clock.now() }, { fault: "capacity" });
    const fails = fault?.fault === "boot-failure";
    return toInstance(fleet.create(request, fails ? (fault.message ?? DEFAULT_BOOT_FAILURE) : undefined));
  });
}

function change(
  cloud: Cloud,
  operation: "terminate" | "stop" | "start",
  reference: InstanceReference,
  context: CallContext,
  act: (machines: readonly Machine[]) => void,
): Promise<void> {
  return call(cloud, { operation, ...reference }, context, (fault) => {
    if (fault?.fault !== "ignored") act(cloud.fleet.named(reference));
  });
}

function only({ settings }: Cloud, { name }: InstanceReference, machines: readonly Machine[]): Machine {
  const [machine] = machines;
  if (machine !== undefined) return machine;
  throw new AtlasError("NOT_FOUND", `${settings.name} has no instance ${name}.`, { provider: settings.name });
}

async function list(
  cloud: Cloud,
  namePrefix: string,
  { signal }: CallContext,
  fault: ScriptedFault | undefined,
): Promise<readonly Instance[]> {
  const { clock, pageSize, latencySeconds } = cloud.settings;
  const machines = cloud.fleet.visible().filter(({ facts }) => facts.name.startsWith(namePrefix));
  if (fault?.fault === "malformed") throw brokenPage(cloud, 1, "is no page");
  const found = machines.slice(0, pageSize);
  for (let page = 2; found.length < machines.length || fault?.fault === "partial"; page += 1) {
    await clock.sleep(latencySeconds * 1000, signal);
    if (fault?.fault === "partial") throw brokenPage(cloud, page, "answered 500");
    found.push(...machines.slice(found.length, found.length + pageSize));
  }
  return found.map(toInstance);
}

function brokenPage({ settings }: Cloud, page: number, what: string): AtlasError {
  const message = `${settings.name}: list failed: page ${page} ${what}.`;
  return new AtlasError("PROVIDER", message, { provider: settings.name });
}

async function* logs(
  cloud: Cloud,
  reference: InstanceReference,
  { tail, follow }: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine> {
  const machine = await call(
    cloud,
    { operation: "logs", ...reference },
    context,
    () => cloud.fleet.named(reference)[0],
  );
  if (machine === undefined) return;
  let read = Math.max(0, machine.lines.length - tail);
  for (;;) {
    for (; read < machine.lines.length; read += 1) yield* machine.lines.slice(read, read + 1);
    if (!follow || !cloud.fleet.visible().includes(machine)) return;
    await cloud.settings.clock.sleep(FOLLOW_MILLISECONDS, context.signal);
  }
}
