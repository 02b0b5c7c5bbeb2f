/** Starting the supervisor of an instance, and waiting for its report on the start of the command. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { AtlasError } from "../../errors.ts";
import { aborted } from "../../internal/abort.ts";
import { processPath } from "./instance-files.ts";
import { type SupervisorAnswer, supervisorAnswer } from "./wire.ts";

/** The order to a supervisor. */
export interface LaunchOrder {
  /** The supervisor's program. */
  readonly program: string;
  readonly folder: string;
  readonly command: readonly string[];
  readonly stopTimeoutSeconds: number;
  /** The whole environment of the command. It travels over the IPC channel: neither `ps` nor any file shows it. */
  readonly env: Readonly<Record<string, string>>;
  /** The environment of the supervisor itself, without the variables of the pod, which could disturb it. */
  readonly supervisorEnv: Readonly<Record<string, string>>;
}

/**
 * Starts a supervisor that outlives this process, and waits for its answer.
 * @throws the signal's reason when it aborts; the supervisor continues by itself.
 */
export async function launch(order: LaunchOrder, signal: AbortSignal): Promise<SupervisorAnswer> {
  signal.throwIfAborted();
  const { program, folder, command, stopTimeoutSeconds, supervisorEnv } = order;
  const parameters = [program, folder, String(stopTimeoutSeconds), ...command];
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

function firstMessage(supervisor: ChildProcess, { env, folder }: LaunchOrder): Promise<unknown> {
  return new Promise((resolve, reject) => {
    supervisor.on("error", (error) => reject(launchError(error)));
    supervisor.once("close", (code, signal) => reject(silentSupervisorError(folder, code ?? signal)));
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

/** The supervisor's record is its first act: without it, the supervisor ended before it could start anything. */
function silentSupervisorError(folder: string, exit: number | NodeJS.Signals | null): AtlasError {
  const mayHaveCreated = existsSync(processPath(folder));
  const outcome = mayHaveCreated ? "" : "; nothing was started";
  const message = `the supervisor of local() ended with ${exit ?? "no code"} before it answered${outcome}`;
  return new AtlasError(mayHaveCreated ? "PROVIDER" : "UNAVAILABLE", message, { mayHaveCreated });
}
