/** Reading, listing, ending, stopping and starting instances. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { Instance, InstanceReference } from "../../provider.ts";
import { type Sighting, toCondition, toInstance } from "./convert.ts";
import type { LocalSettings } from "./options.ts";
import { signalGroup } from "./process-group.ts";
import { observe, type ProcessIdentity, type ProcessState } from "./process-identity.ts";
import { endInstance, look, watch } from "./sighting.ts";
import { folderOf, readEntries } from "./state-folder.ts";

/** The instance as it is now; `undefined` when it is not on record. */
export async function getInstance(
  settings: LocalSettings,
  reference: InstanceReference,
  { signal }: CallContext,
): Promise<Instance | undefined> {
  signal.throwIfAborted();
  const sighting = await lookUp(settings, reference);
  return sighting && toInstance(sighting, settings.clock.now());
}

/** Every instance whose name begins with the prefix, without terminated ones. */
export async function listInstances(
  { stateDirectory, clock }: LocalSettings,
  namePrefix: string,
  { signal }: CallContext,
): Promise<readonly Instance[]> {
  signal.throwIfAborted();
  const entries = await readEntries(stateDirectory, namePrefix);
  const sightings = await Promise.all(entries.map(watch));
  return sightings
    .filter((sighting) => sighting !== undefined)
    .map((sighting) => toInstance(sighting, clock.now()))
    .filter(({ status }) => status !== "terminated");
}

/** The instance of exactly this name, without a terminated one. */
export async function findInstances(
  settings: LocalSettings,
  name: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const instance = await getInstance(settings, { name }, context);
  return instance === undefined || instance.status === "terminated" ? [] : [instance];
}

/** Ends the instance. An absent instance is success. */
export async function terminateInstance(
  settings: LocalSettings,
  reference: InstanceReference,
  { signal }: CallContext,
): Promise<void> {
  signal.throwIfAborted();
  const sighting = await lookUp(settings, reference);
  if (sighting !== undefined) await endInstance(sighting.entry.folder);
}

/** Freezes the instance. */
export function stopInstance(
  settings: LocalSettings,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return signalUntil(settings, reference, context, { signal: "SIGSTOP", state: "stopped" });
}

/** Thaws the instance. */
export function startInstance(
  settings: LocalSettings,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  return signalUntil(settings, reference, context, { signal: "SIGCONT", state: "running" });
}

/** The instance that the reference means; `undefined` when it is not on record. */
export async function lookUp(
  { stateDirectory }: LocalSettings,
  { name, providerId }: InstanceReference,
): Promise<Sighting | undefined> {
  const sighting = await look(folderOf(stateDirectory, name));
  const isMeant = providerId === undefined || sighting?.entry.instance.providerId === providerId;
  return isMeant ? sighting : undefined;
}

const POLL_MILLISECONDS = 10;

/** Sends the signal, and waits until the system shows the state: a signal takes effect a moment after the send. */
async function signalUntil(
  settings: LocalSettings,
  reference: InstanceReference,
  context: CallContext,
  { signal, state }: { readonly signal: NodeJS.Signals; readonly state: ProcessState },
): Promise<void> {
  context.signal.throwIfAborted();
  const leader = await requireLeader(settings, reference);
  signalGroup(leader.pid, signal);
  for (;;) {
    const current = await observe(leader);
    if (current === state || current === undefined) return;
    await settings.clock.sleep(POLL_MILLISECONDS, context.signal);
  }
}

async function requireLeader(
  settings: LocalSettings,
  reference: InstanceReference,
): Promise<ProcessIdentity> {
  const sighting = await lookUp(settings, reference);
  if (sighting === undefined) throw new AtlasError("NOT_FOUND", `local() has no instance ${reference.name}`);
  const { status, message } = toCondition(sighting, settings.clock.now());
  const leader = sighting.entry.process?.leader;
  if ((status === "running" || status === "stopped") && leader !== undefined) return leader;
  const reason = message === undefined ? status : `${status}: it ${message}`;
  throw new AtlasError(
    "CONFLICT",
    `instance ${reference.name} of local() can neither stop nor start, it is ${reason}`,
  );
}
