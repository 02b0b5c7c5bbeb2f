import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { pause } from "../../internal/pause.ts";
import type {
  CreateRequest,
  Instance,
  InstanceReference,
  LogLine,
  LogOptions,
  Provider,
} from "../../provider.ts";
import { about } from "./call.ts";
import { candidatesOf, gpuTypesOf, offeredFor } from "./catalogue.ts";
import { type Cloud, call } from "./cloud.ts";
import { toInstance } from "./convert.ts";
import { failureOf, type ScriptedFault } from "./faults.ts";
import type { Machine } from "./fleet.ts";
import { parsePlacementOptions } from "./options.ts";

const FOLLOW_SECONDS = 0.2;
const DEFAULT_BOOT_FAILURE = "the image could not be pulled";

/** The provider's methods. */
export function operationsOf(cloud: Cloud): Required<Omit<Provider, "jobs">> {
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
      call(cloud, about("get", reference), context, () => fleet.named(reference).map(toInstance)[0]),
    list: ({ namePrefix }, context) =>
      call(cloud, about("list", { name: namePrefix }), context, (fault) =>
        list(cloud, namePrefix, context, fault),
      ),
    find: (name, context) =>
      call(cloud, about("find", { name }), context, () => fleet.named({ name }).map(toInstance)),
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
  const made = { ...about("create", request), ...place };
  return call(cloud, made, context, (fault) => {
    if (offeredFor(settings, request.candidate)?.stock === "none")
      throw failureOf(settings.name, made, { fault: "capacity" });
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
  return call(cloud, about(operation, reference), context, (fault) => {
    if (fault?.fault !== "ignored") act(cloud.fleet.named(reference));
  });
}

function only({ settings }: Cloud, { name }: InstanceReference, machines: readonly Machine[]): Machine {
  const [machine] = machines;
  if (machine !== undefined) return machine;
  throw new AtlasError("NOT_FOUND", `${settings.name} has no instance ${name}.`, { provider: settings.name });
}

/** Reads page by page, as an adapter reads them. */
async function list(
  { settings, fleet }: Cloud,
  namePrefix: string,
  { signal }: CallContext,
  fault: ScriptedFault | undefined,
): Promise<readonly Instance[]> {
  const { name: provider, clock, pageSize, latencySeconds } = settings;
  const machines = fleet.visible().filter(({ facts }) => facts.name.startsWith(namePrefix));
  const found = machines.slice(0, pageSize);
  while (found.length < machines.length || fault?.fault === "partial") {
    await clock.sleep(latencySeconds * 1000, signal);
    if (fault?.fault === "partial")
      throw new AtlasError("PROVIDER", `${provider}: list failed: its second page answered 500.`, {
        provider,
      });
    found.push(...machines.slice(found.length, found.length + pageSize));
  }
  return found.map(toInstance);
}

async function* logs(
  cloud: Cloud,
  reference: InstanceReference,
  { tail, follow }: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine> {
  const { settings, fleet } = cloud;
  const { signal } = context;
  const machine = await call(cloud, about("logs", reference), context, () => fleet.named(reference)[0]);
  if (machine === undefined) return;
  let read = Math.max(0, machine.lines.length - tail);
  for (;;) {
    for (; read < machine.lines.length; read += 1) yield* machine.lines.slice(read, read + 1);
    if (!follow || signal.aborted || !fleet.visible().includes(machine)) return;
    await pause(settings.clock, FOLLOW_SECONDS, signal);
  }
}
