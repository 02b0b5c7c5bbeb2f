/** Starting the supervisor of an instance, and waiting for its report on the start of the command. */
import { type ChildProcess, spawn } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { AtlasError } from "../../errors.ts";
import { aborted } from "../../internal/abort.ts";
import { type SupervisorAnswer, supervisorAnswer } from "./wire.ts";

/** The order to a supervisor. */
export interface LaunchOrder {
  readonly folder: string;
  readonly command: readonly string[];
  readonly stopTimeoutSeconds: number;
  /** The whole environment of the command. It travels over the IPC channel: neither `ps` nor any file shows it. */
  readonly env: Readonly<Record<string, string>>;
  /** The environment of the supervisor itself, without the variables of the pod, which could disturb it. */
  readonly supervisorEnv: Readonly<Record<string, string>>;
}

/** The program beside this module: TypeScript beside the source, JavaScript beside the bundle. */
export function supervisorPath(): string {
  return fileURLToPath(new URL(`local-supervisor${extname(import.meta.url)}`, import.meta.url));
}

/**
 * Starts a supervisor that outlives this process, and waits for its answer.
 * @throws the signal's reason when it aborts; the supervisor continues by itself.
 */
export async function launch(order: LaunchOrder, signal: AbortSignal): Promise<SupervisorAnswer> {
  signal.throwIfAborted();
  const { folder, command, stopTimeoutSeconds, supervisorEnv } = order;
  const parameters = [supervisorPath(), folder, String(stopTimeoutSeconds), ...command];
  const supervisor = spawn(process.execPath, parameters, {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: supervisorEnv,
  });
  try {
    return supervisorAnswer.parse(await Promise.race([firstMessage(supervisor, order), aborted(signal)]));
  } finally {
    if (supervisor.connected) supervisor.disconnect();
    supervisor.unref();
  }
}

function firstMessage(supervisor: ChildProcess, { env }: LaunchOrder): Promise<unknown> {
  return new Promise((resolve, reject) => {
    supervisor.on("error", (error) => reject(launchError(error)));
    supervisor.once("close", () => reject(silentSupervisorError()));
    supervisor.once("message", resolve);
    supervisor.once("spawn", () => supervisor.send(env));
  });
}

function launchError(error: Error): AtlasError {
  const reason = Reflect.get(error, "code") ?? error.message;
  return new AtlasError("UNAVAILABLE", `local() could not start its supervisor (${reason})`, {
    mayHaveCreated: false,
  });
}

function silentSupervisorError(): AtlasError {
  return new AtlasError("PROVIDER", "the supervisor of local() ended without an answer", {
    mayHaveCreated: true,
  });
}
