/** Ending, stopping and starting a machine. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import type { InstanceReference } from "../../provider.ts";
import { type Account, appOf } from "./account.ts";
import { STOP_MODE_KEY } from "./convert.ts";
import { machinesNamed } from "./find.ts";
import type { Machine } from "./wire.ts";

/** Ends the machine and, where it has one of its own, its app with everything in it. */
export async function terminateInstance(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { name } = reference;
  const id = machineIdOf(reference);
  const failure = await endMachines(account, name, id, context).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const keepsApp =
    account.sharedApp !== undefined || (id !== undefined && (await hasOthers(account, name, id, context)));
  // The end of the app, forced, is the end of its machines, too: what went wrong with them no longer matters.
  if (!keepsApp) return account.api.deleteApp(name, true, context);
  if (failure !== undefined) throw failure.error;
}

/** The machine's id; none when the reference names an app without one. */
function machineIdOf({ name, providerId }: InstanceReference): string | undefined {
  return providerId === name ? undefined : providerId;
}

async function endMachines(
  account: Account,
  name: string,
  id: string | undefined,
  context: CallContext,
): Promise<void> {
  const machines = id === undefined ? await machinesNamed(account, name, context) : [{ id }];
  for (const machine of machines ?? [])
    await account.api.deleteMachine(appOf(account, name), machine.id, context);
}

/** Whether the app has a machine other than this one, which its end would take along. */
async function hasOthers(account: Account, name: string, id: string, context: CallContext): Promise<boolean> {
  const machines = await machinesNamed(account, name, context);
  return machines?.some((machine) => machine.id !== id && machine.state !== "destroying") ?? false;
}

const STOPPED: ReadonlySet<string> = new Set(["stopped", "suspended"]);
const RUNNING: ReadonlySet<string> = new Set(["started", "starting"]);

/** Stops or suspends the machine, as it was created to be. */
export async function stopInstance(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const machine = await requireMachine(account, reference, context);
  if (STOPPED.has(machine.state)) return;
  const suspends = machine.config?.metadata?.[STOP_MODE_KEY] === "suspend";
  await actUnlessDone(account, reference.name, machine.id, suspends ? "suspend" : "stop", context);
  await settle(account, reference.name, machine.id, suspends ? "suspended" : "stopped", context);
}

/** Starts the machine. */
export async function startInstance(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { id, state } = await requireMachine(account, reference, context);
  if (RUNNING.has(state)) return;
  // Fly refuses to start a machine that is about to stop.
  if (!STOPPED.has(state)) await settle(account, reference.name, id, "stopped", context);
  await actUnlessDone(account, reference.name, id, "start", context);
}

async function requireMachine(
  account: Account,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Machine> {
  const machine =
    providerId === undefined
      ? (await machinesNamed(account, name, context))?.[0]
      : await account.api.machine(appOf(account, name), providerId, context);
  if (machine !== undefined && machine.state !== "destroyed") return machine;
  throw new AtlasError("NOT_FOUND", `fly: the instance ${name} has no machine`, {
    provider: "fly",
    providerId,
  });
}

/** Acts on the machine; a refusal counts as success when the machine turns out to be where it should go. */
async function actUnlessDone(
  account: Account,
  name: string,
  id: string,
  action: "start" | "stop" | "suspend",
  context: CallContext,
): Promise<void> {
  const app = appOf(account, name);
  try {
    await account.api.act(app, id, action, context);
  } catch (error) {
    const machine = await account.api.machine(app, id, context);
    if (!(action === "start" ? RUNNING : STOPPED).has(machine?.state ?? "")) throw error;
  }
}

/** Waits until the machine is in the state; not for ever, and a machine that takes longer is no error. */
async function settle(
  account: Account,
  name: string,
  id: string,
  state: "stopped" | "suspended",
  context: CallContext,
): Promise<void> {
  try {
    await account.api.waitFor(appOf(account, name), id, state, context);
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "TIMEOUT" || context.signal.aborted) throw error;
  }
}
