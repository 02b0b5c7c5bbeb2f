/** Reading, listing, ending, stopping and starting instances. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import type { Instance, InstanceReference } from "../../provider.ts";
import { type Account, appOf, hostOf } from "./account.ts";
import { readOwn } from "./apps.ts";
import { toAppInstance, toInstance, toListedInstance } from "./convert.ts";
import { isHere, listApps, listMachines, listOrgMachines, machinesNamed, type NameFilter } from "./lists.ts";
import { readNetworkName } from "./network.ts";
import { type ListedApp, type Machine, STOP_MODE_KEY } from "./wire.ts";

/** The instance as it is now. An instance without its machine exists as long as its app does. */
export async function getInstance(
  account: Account,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  if (providerId === undefined || providerId === name)
    return (await findInstances(account, name, context))[0];
  const machine = await readOwn(account, context, () =>
    account.api.machine(appOf(account, name), providerId, context),
  );
  const current = machine && toInstance(machine, hostOf(account, name, machine.id));
  if (current !== undefined && current.status !== "terminated") return current;
  const remains = (await findInstances(account, name, context)).find((other) => other.providerId === name);
  if (remains === undefined) return current;
  return { ...remains, providerId, status: current === undefined ? remains.status : "failed" };
}

/** Every instance of exactly this name. An empty app of that name counts as one, with its name as the id. */
export async function findInstances(
  account: Account,
  name: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const machines = await machinesNamed(account, name, context);
  if (machines?.length !== 0 || account.sharedApp !== undefined)
    return toInstances(account, name, machines ?? []);
  const [app = { name }] = await listApps(account, (other) => other === name, context);
  return [emptyApp(account, app)];
}

/** The instances in a listed app. Skips a new app without a machine: the list of machines may only lag behind. */
async function instancesIn(
  account: Account,
  app: ListedApp,
  context: CallContext,
): Promise<readonly Instance[]> {
  const machines = await machinesNamed(account, app.name, context);
  if (machines?.length !== 0) return toInstances(account, app.name, machines ?? []);
  const empty = emptyApp(account, app);
  return empty.status === "provisioning" ? [] : [empty];
}

function toInstances(account: Account, name: string, machines: readonly Machine[]): readonly Instance[] {
  return machines.map((machine) => toInstance(machine, hostOf(account, name, machine.id)));
}

function emptyApp({ clock }: Account, { name, network }: ListedApp): Instance {
  return toAppInstance(name, name, readNetworkName(name, network ?? undefined), clock.now());
}

/** Every instance whose name begins with the prefix. */
export async function listInstances(
  account: Account,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const { sharedApp } = account;
  const isOurs = (name: string): boolean => name.startsWith(namePrefix);
  if (sharedApp === undefined) return listInOwnApps(account, isOurs, context);
  const machines = (await listMachines(account, sharedApp, isOurs, context)) ?? [];
  return machines
    .filter(isHere)
    .map((machine) => toInstance(machine, hostOf(account, machine.name, machine.id)));
}

const UNKNOWN = { status: "unknown", message: "a region of Fly does not answer" } as const;

/**
 * Reads two lists instead of one answer per app. An app without a listed machine needs its own request, because that list lags. While a
 * region does not answer, such an app may have its machine there: it is listed as a part in an unknown state, which proves neither a machine nor its absence.
 */
async function listInOwnApps(
  account: Account,
  isOurs: NameFilter,
  context: CallContext,
): Promise<readonly Instance[]> {
  const apps = await listApps(account, isOurs, context);
  const { machines, silentRegions } = await listOrgMachines(account, isOurs, context);
  const own = machines.filter((machine) => machine.name === machine.app_name && isHere(machine));
  const instances = own.map(toListedInstance);
  const listed = new Set(own.map(({ name }) => name));
  const unlisted = apps.filter(({ name }) => !listed.has(name));
  if (silentRegions.length > 0)
    return [...instances, ...unlisted.map((app) => ({ ...emptyApp(account, app), ...UNKNOWN }))];
  for (const app of unlisted) instances.push(...(await instancesIn(account, app, context)));
  return instances;
}

/** Ends the machine and, where the compute has its own app, the app with everything in it. */
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
  // The forced removal of the app ends its machines too, so that their failures no longer matter.
  if (!keepsApp) await account.api.deleteApp(name, true, context);
  else if (failure !== undefined && !(await haveEnded(account, name, id, context))) throw failure.error;
}

/** True when the machine, or every machine of that name, is gone. Fly may refuse to end one that has ended already. */
async function haveEnded(
  account: Account,
  name: string,
  id: string | undefined,
  context: CallContext,
): Promise<boolean> {
  if (id === undefined) return (await machinesNamed(account, name, context))?.length === 0;
  const machine = await account.api.machine(appOf(account, name), id, context);
  return machine === undefined || !isHere(machine);
}

/** The machine's id; `undefined` when the reference names an app without a machine. */
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

/** True when the app has another machine, which the app's removal would end too. */
async function hasOthers(account: Account, name: string, id: string, context: CallContext): Promise<boolean> {
  const machines = await machinesNamed(account, name, context);
  return machines?.some((machine) => machine.id !== id && machine.state !== "destroying") ?? false;
}

const STOPPED: ReadonlySet<string> = new Set(["stopped", "suspended"]);
const RUNNING: ReadonlySet<string> = new Set(["started", "starting"]);

/** Stops or suspends the machine, by the stop mode of its create. */
export async function stopInstance(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const machine = await requireMachine(account, reference, context);
  if (STOPPED.has(machine.state)) return;
  const suspends = machine.config?.metadata?.[STOP_MODE_KEY] === "suspend";
  await actUnlessDone(account, reference.name, machine.id, suspends ? "suspend" : "stop", context);
  await awaitState(account, reference.name, machine, suspends ? "suspended" : "stopped", context);
}

/** Starts the machine. */
export async function startInstance(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const machine = await requireMachine(account, reference, context);
  if (RUNNING.has(machine.state)) return;
  // Fly refuses to start a machine that is stopping.
  if (!STOPPED.has(machine.state)) await awaitState(account, reference.name, machine, "stopped", context);
  await actUnlessDone(account, reference.name, machine.id, "start", context);
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
  if (machine !== undefined && isHere(machine)) return machine;
  throw new AtlasError("NOT_FOUND", `fly: the instance ${name} has no machine`, {
    provider: "fly",
    providerId,
  });
}

/** Requests an action. A refusal counts as success when the machine is in a state that the action leads to. */
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

/**
 * Waits for a limited time until the machine is in the state. A machine that takes longer is no error, and neither is a wait that fails: Fly has accepted
 * the stop before it, and refuses the start after it where it came too early.
 */
async function awaitState(
  account: Account,
  name: string,
  machine: Machine,
  state: "stopped" | "suspended",
  context: CallContext,
): Promise<void> {
  try {
    await account.api.waitFor(appOf(account, name), machine, state, context);
  } catch (error) {
    if (!isAtlasError(error) || context.signal.aborted) throw error;
  }
}
