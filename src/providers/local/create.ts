/** Creating an instance: first the record, then the start. */
import { randomUUID } from "node:crypto";
import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import { invalid } from "../../internal/parse.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import { requireCommand } from "./candidates.ts";
import { toInstance, toPortEnv } from "./convert.ts";
import { launch } from "./launch.ts";
import type { LocalSettings } from "./options.ts";
import { reservePorts } from "./ports.ts";
import { codeOf } from "./process-identity.ts";
import { supervisorPath } from "./program.ts";
import { prune } from "./retention.ts";
import { endInstance, look } from "./sighting.ts";
import { claim, discard, folderOf, openStateDirectory, readEntries } from "./state-folder.ts";
import type { InstanceRecord } from "./wire.ts";

/** Creates the instance, or finds the existing one of its name. */
export async function createInstance(
  settings: LocalSettings,
  request: CreateRequest,
  { signal }: CallContext,
): Promise<Instance> {
  signal.throwIfAborted();
  const command = requireCommand(request);
  const instance = await putOnRecord(settings, request);
  const folder = folderOf(settings.stateDirectory, request.name);
  if (instance !== undefined) await start(settings, request, { folder, command, instance }, signal);
  const sighting = await look(folder);
  if (sighting !== undefined) return toInstance(sighting, settings.clock.now());
  throw new AtlasError("PROVIDER", `instance ${request.name} of local() vanished while it was being created`);
}

/** Records the intent with ports that no other instance has; `undefined` when the name is on record already. */
async function putOnRecord(
  { stateDirectory, clock }: LocalSettings,
  { name, owner, ports }: CreateRequest,
): Promise<InstanceRecord | undefined> {
  try {
    await openStateDirectory(stateDirectory);
    await prune(stateDirectory, clock.now());
    const reservation = await reservePorts(ports.length, () => readTakenPorts(stateDirectory));
    try {
      const instance = {
        providerId: randomUUID(),
        name,
        owner,
        createdAt: clock.now().toISOString(),
        ports: ports.map((port, index) => ({ ...port, external: Number(reservation.ports[index]) })),
      };
      return (await claim(stateDirectory, instance)) === undefined ? undefined : instance;
    } finally {
      await reservation.release();
    }
  } catch (error) {
    throw isAtlasError(error)
      ? withFacts(error, { mayHaveCreated: false })
      : unusableFolderError(stateDirectory, error);
  }
}

async function readTakenPorts(stateDirectory: string): Promise<ReadonlySet<number>> {
  const entries = await readEntries(stateDirectory);
  const live = entries.filter(({ process, endAsked }) => process?.exit === undefined && !endAsked);
  return new Set(live.flatMap(({ instance }) => instance.ports.map(({ external }) => external)));
}

function unusableFolderError(stateDirectory: string, error: unknown): AtlasError {
  const reason = String(codeOf(error) ?? error);
  const message = `local() could not prepare an instance in ${stateDirectory} (${reason}); set stateDirectory to a folder of your own`;
  return new AtlasError("UNAVAILABLE", message, { mayHaveCreated: false });
}

interface Prepared {
  readonly folder: string;
  readonly command: readonly string[];
  readonly instance: InstanceRecord;
}

async function start(
  settings: LocalSettings,
  request: CreateRequest,
  { folder, command, instance }: Prepared,
  signal: AbortSignal,
): Promise<void> {
  const { stateDirectory, stopTimeoutSeconds, inheritedEnv } = settings;
  const env = { ...inheritedEnv, ...request.env, ...toPortEnv(instance.ports) };
  const program = await supervisorPath(stateDirectory).catch(async (error: unknown) => {
    await discard(stateDirectory, folder);
    throw unusableFolderError(stateDirectory, error);
  });
  const order = { program, folder, command, stopTimeoutSeconds, env, supervisorEnv: inheritedEnv };
  const answer = await launch(order, signal).catch(async (error: unknown) => {
    await endInstance(folder);
    if (isAtlasError(error) && error.mayHaveCreated === false) await discard(stateDirectory, folder);
    throw error;
  });
  if ("started" in answer) return;
  await discard(stateDirectory, folder);
  throw startError(command, answer.refusal);
}

const NO_CAPACITY: ReadonlySet<string> = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"]);

function startError([program = ""]: readonly string[], reason: string): AtlasError {
  if (reason === "ENDED")
    return new AtlasError("CONFLICT", "the instance was terminated while it was being created");
  if (NO_CAPACITY.has(reason))
    return new AtlasError("CAPACITY", `this machine cannot run another process (${reason})`);
  const allowed = "an executable program: its name on PATH, or its path";
  return invalid("The request", [
    { field: "command", received: `${JSON.stringify(program)} (${reason})`, allowed },
  ]);
}
