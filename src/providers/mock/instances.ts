/** Reading, listing, ending, stopping and starting instances. */
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { Instance, InstanceReference } from "../../provider.ts";
import { about } from "./call.ts";
import { type Cloud, call } from "./cloud.ts";
import { toInstance } from "./convert.ts";
import type { ScriptedFault } from "./faults.ts";
import type { Machine } from "./fleet.ts";

/** The instance as it is now; `undefined` when the API does not show it. */
export function getInstance(
  cloud: Cloud,
  reference: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  return call(cloud, about("get", reference), context, () => cloud.fleet.named(reference).map(toInstance)[0]);
}

/** Every instance whose name begins with the prefix. */
export function listInstances(
  cloud: Cloud,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  return call(cloud, about("list", { name: namePrefix }), context, (fault) =>
    readPages(cloud, namePrefix, context, fault),
  );
}

/** Every instance of exactly this name. */
export function findInstances(
  cloud: Cloud,
  name: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  return call(cloud, about("find", { name }), context, () => cloud.fleet.named({ name }).map(toInstance));
}

/** Ends the instances that the reference means. */
export function terminateInstance(
  cloud: Cloud,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return change(cloud, "terminate", reference, context, (machines) => {
    for (const machine of machines) cloud.fleet.terminate(machine);
  });
}

/** Stops the instance. */
export function stopInstance(
  cloud: Cloud,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return change(cloud, "stop", reference, context, (machines) =>
    cloud.fleet.stop(requireMachine(cloud, reference, machines)),
  );
}

/** Starts the instance. */
export function startInstance(
  cloud: Cloud,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return change(cloud, "start", reference, context, (machines) =>
    cloud.fleet.start(requireMachine(cloud, reference, machines)),
  );
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

function requireMachine(
  { settings }: Cloud,
  { name }: InstanceReference,
  machines: readonly Machine[],
): Machine {
  const [machine] = machines;
  if (machine !== undefined) return machine;
  throw new AtlasError("NOT_FOUND", `${settings.name} has no instance ${name}.`, { provider: settings.name });
}

/** Reads the list page by page, like an adapter. */
async function readPages(
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
