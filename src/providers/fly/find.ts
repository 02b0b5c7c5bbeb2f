/** Finding instances: one by its name or id, or all of them. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { Instance, InstanceReference } from "../../provider.ts";
import { type Account, appOf, hostOf } from "./account.ts";
import { toAppInstance, toInstance, toListedInstance } from "./convert.ts";
import { readNetworkName } from "./network.ts";
import type { ListedApp, Machine, OrgMachine } from "./wire.ts";

/** The instance as it is now; one whose machine is gone is still there as long as its app is. */
export async function getInstance(
  account: Account,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  if (providerId === undefined || providerId === name)
    return (await findInstances(account, name, context))[0];
  const machine = await account.api.machine(appOf(account, name), providerId, context);
  const shown = machine && toInstance(machine, hostOf(account, name, machine.id));
  if (shown !== undefined && shown.status !== "terminated") return shown;
  const remains = (await findInstances(account, name, context)).find((other) => other.providerId === name);
  if (remains === undefined) return shown;
  return { ...remains, providerId, status: shown === undefined ? remains.status : "failed" };
}

/** Every instance of exactly this name. An empty app of that name is one, under its name as the id. */
export async function findInstances(
  account: Account,
  name: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const machines = await machinesNamed(account, name, context);
  if (machines?.length !== 0 || account.sharedApp !== undefined)
    return toInstances(account, name, machines ?? []);
  const apps = await listedApps(account, context);
  return [emptyApp(account, apps.find((app) => app.name === name) ?? { name })];
}

/** What is in a listed app. A new app without a machine is none yet: should the machine only not be listed, it must not look empty. */
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

/**
 * The machines of exactly this name that are not destroyed; `undefined` when the compute's own app does not exist.
 * @throws NOT_FOUND when the shared app does not exist: that is a mistake in the options, and no word on its machines.
 */
export async function machinesNamed(
  account: Account,
  name: string,
  context: CallContext,
): Promise<readonly Machine[] | undefined> {
  const machines = await machinesOf(account, appOf(account, name), context);
  return machines?.filter((machine) => machine.name === name && machine.state !== "destroyed");
}

async function machinesOf(
  { api, sharedApp }: Account,
  app: string,
  context: CallContext,
): Promise<readonly Machine[] | undefined> {
  const machines = await api.machines(app, context);
  if (machines === undefined && sharedApp !== undefined)
    throw new AtlasError(
      "NOT_FOUND",
      `fly: there is no app ${sharedApp}: create it, or correct the option app`,
      {
        provider: "fly",
      },
    );
  return machines;
}

/** Every instance whose name begins with the prefix. */
export async function listInstances(
  account: Account,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const { sharedApp } = account;
  if (sharedApp === undefined) return listApps(account, namePrefix, context);
  const machines = (await machinesOf(account, sharedApp, context)) ?? [];
  return machines
    .filter(({ name, state }) => name.startsWith(namePrefix) && state !== "destroyed")
    .map((machine) => toInstance(machine, hostOf(account, machine.name, machine.id)));
}

/** Two lists instead of a request for each app; an app that only the first one has is looked at, because the second one lags. */
async function listApps(
  account: Account,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const apps = (await listedApps(account, context)).filter(({ name }) => name.startsWith(namePrefix));
  const machines = (await orgMachines(account, context)).filter(
    ({ name, app_name: app, state }) => name === app && name.startsWith(namePrefix) && state !== "destroyed",
  );
  const listed = new Set(machines.map(({ name }) => name));
  const instances = machines.map(toListedInstance);
  for (const app of apps)
    if (!listed.has(app.name)) instances.push(...(await instancesIn(account, app, context)));
  return instances;
}

async function listedApps({ api, org }: Account, context: CallContext): Promise<readonly ListedApp[]> {
  const { apps, total } = await api.apps(org(), context);
  if (total === undefined || total <= apps.length) return apps;
  throw incomplete(`${apps.length} of ${total} apps`);
}

async function orgMachines({ api, org }: Account, context: CallContext): Promise<readonly OrgMachine[]> {
  const machines: OrgMachine[] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined; ; ) {
    const page = await api.orgMachines(org(), cursor, context);
    if (page.silentRegions.length > 0)
      throw incomplete(`the machines without those in ${page.silentRegions.join(", ")}`);
    machines.push(...page.machines);
    cursor = page.nextCursor;
    if (cursor === undefined) return machines;
    if (seen.has(cursor)) throw incomplete("the same page of machines twice");
    seen.add(cursor);
  }
}

function incomplete(what: string): AtlasError {
  return new AtlasError("UNAVAILABLE", `fly: the list is not complete: it showed ${what}`, {
    provider: "fly",
  });
}
