/** The methods of the contract. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { Instance, InstanceReference, LogLine, LogOptions, Provider } from "../../provider.ts";
import { type Sighting, toInstance, toVerdict } from "./convert.ts";
import { createInstance } from "./create.ts";
import { readLog } from "./logs.ts";
import type { LocalSettings } from "./options.ts";
import { toCandidate } from "./placement.ts";
import { signalGroup } from "./process-group.ts";
import { observe, type ProcessIdentity, type ProcessState } from "./process-identity.ts";
import { endInstance, look, watch } from "./sighting.ts";
import { folderOf, readEntries } from "./state-folder.ts";

type Operations = Omit<Provider, "name" | "bootTimeoutSeconds" | "absenceGraceSeconds">;

/** The provider's methods. */
export function operationsOf(settings: LocalSettings): Operations {
  const tell = (sighting: Sighting): Instance =>
    toInstance(sighting.entry, toVerdict(sighting, settings.clock.now()));
  return {
    candidates: async (request) => [toCandidate(request)],
    async create(request, { signal }) {
      signal.throwIfAborted();
      return tell(await createInstance(settings, request, signal));
    },
    async get(reference, { signal }) {
      signal.throwIfAborted();
      const sighting = await seek(settings, reference);
      return sighting && tell(sighting);
    },
    async list({ namePrefix }, { signal }) {
      signal.throwIfAborted();
      const entries = await readEntries(settings.stateDirectory, namePrefix);
      const sightings = await Promise.all(entries.map(watch));
      const instances = sightings.filter((sighting) => sighting !== undefined).map(tell);
      return instances.filter(({ status }) => status !== "terminated");
    },
    async find(name, { signal }) {
      signal.throwIfAborted();
      const sighting = await seek(settings, { name });
      return sighting === undefined ? [] : [tell(sighting)].filter(({ status }) => status !== "terminated");
    },
    async terminate(reference, { signal }) {
      signal.throwIfAborted();
      const sighting = await seek(settings, reference);
      if (sighting !== undefined) await endInstance(sighting.entry.folder);
    },
    stop: (reference, context) => hold(settings, reference, context, "SIGSTOP", "stopped"),
    start: (reference, context) => hold(settings, reference, context, "SIGCONT", "running"),
    logs: (reference, options, context) => logs(settings, reference, options, context),
  };
}

/** The instance that the reference means, where it is on record. */
async function seek(
  { stateDirectory }: LocalSettings,
  { name, providerId }: InstanceReference,
): Promise<Sighting | undefined> {
  const sighting = await look(folderOf(stateDirectory, name));
  const isMeant = providerId === undefined || sighting?.entry.instance.providerId === providerId;
  return isMeant ? sighting : undefined;
}

const POLL_MILLISECONDS = 10;

/** Freezes or thaws an instance, and waits until the system shows it: signals arrive a moment after they are sent. */
async function hold(
  settings: LocalSettings,
  reference: InstanceReference,
  { signal }: CallContext,
  by: NodeJS.Signals,
  until: ProcessState,
): Promise<void> {
  signal.throwIfAborted();
  const leader = await requireLeader(settings, reference);
  signalGroup(leader.pid, by);
  for (;;) {
    const state = await observe(leader);
    if (state === until || state === undefined) return;
    await settings.clock.sleep(POLL_MILLISECONDS, signal);
  }
}

async function requireLeader(
  settings: LocalSettings,
  reference: InstanceReference,
): Promise<ProcessIdentity> {
  const sighting = await seek(settings, reference);
  if (sighting === undefined) throw new AtlasError("NOT_FOUND", `local() has no instance ${reference.name}`);
  const { status, message } = toVerdict(sighting, settings.clock.now());
  const leader = sighting.entry.process?.leader;
  if ((status === "running" || status === "stopped") && leader !== undefined) return leader;
  const why = message === undefined ? status : `${status}: it ${message}`;
  throw new AtlasError(
    "CONFLICT",
    `instance ${reference.name} of local() can neither stop nor start, it is ${why}`,
  );
}

async function* logs(
  settings: LocalSettings,
  reference: InstanceReference,
  options: LogOptions,
  { signal }: CallContext,
): AsyncGenerator<LogLine> {
  signal.throwIfAborted();
  const sighting = await seek(settings, reference);
  if (sighting !== undefined) yield* readLog(sighting.entry.folder, options, settings.clock, signal);
}
