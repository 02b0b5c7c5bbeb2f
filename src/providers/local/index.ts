/**
 * Real pods for development: every compute is a child process of this machine.
 * @module
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Provider } from "../../provider.ts";
import { BOOT_SECONDS } from "./convert.ts";
import { operationsOf } from "./operations.ts";
import { type LocalOptions, parseLocalOptions } from "./options.ts";

export type { LocalOptions } from "./options.ts";

/** What a program needs to find its way on this machine. Everything else may be a secret of the application. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/**
 * Makes a provider whose instances are child processes of this machine, for Linux and macOS. It needs no account and costs nothing.
 *
 * - **Command.** `request.command` is run as it stands, without a shell, in the folder the caller works in. `image`, `cpus`,
 *   `memoryGb` and `diskGb` are for providers that have a choice; a GPU, a volume and another region than `local` are
 *   UNSUPPORTED. So is a copy in somebody else's bundle: a small program beside this module has to stay there.
 * - **Ports.** Each requested port becomes a loopback port that was free, known as soon as the create resolves. The program
 *   is told to listen on it by `PORT` for the first and `ATLAS_PORT_<internal>` for each.
 * - **Environment.** The request's `env`, the ports, and of this process's environment only `PATH`, `HOME`, `USER`, `LOGNAME`,
 *   `SHELL`, `LANG`, `LC_ALL`, `LC_CTYPE`, `TZ` and `TMPDIR`. The application's own secrets stay where they are.
 * - **Life.** Instances outlive the process that made them. Any process with the same `stateDirectory` finds them again, tells
 *   them from strangers that got their process id later, and can end them.
 * - **End.** `terminate` sends SIGTERM to the command, SIGKILL after `stopTimeoutSeconds`, and then SIGKILL to whatever is left
 *   of its process group. A command that ends by itself takes its group along: with code 0 the instance is `terminated`, else
 *   it is `failed` until it is terminated, with the code in `message`.
 * - **Stop.** `stop` freezes the process group (SIGSTOP) and `start` thaws it, so that no secret needs to be kept for a
 *   second start; memory and ports stay.
 * - **Files.** The state folder is this user's alone and holds no env value. What the program prints is in its log there;
 *   the newest 50 ended instances are kept, then they go with the next create.
 *
 * @throws VALIDATION for an option that does not exist or is not valid.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { local } from "atlas-compute/local";
 *
 * const atlas = createAtlas({ providers: [local()] });
 * const compute = await atlas.spawnCompute({ command: ["node", "server.js"], ports: [8000] });
 * await compute.waitUntilReady();
 * console.log(compute.url(8000)); // http://127.0.0.1:<the port in server.js's PORT>
 * await atlas.terminate(compute.id);
 * ```
 */
export function local(options: LocalOptions = {}): Provider {
  const settings = parseLocalOptions(options, {
    stateDirectory: defaultStateDirectory(process.env.XDG_STATE_HOME),
    inheritedEnv: inheritedFrom(process.env),
  });
  return {
    name: "local",
    bootTimeoutSeconds: BOOT_SECONDS,
    absenceGraceSeconds: 0,
    ...operationsOf(settings),
  };
}

function defaultStateDirectory(stateHome: string | undefined): string {
  const base = stateHome && isAbsolute(stateHome) ? stateHome : join(homedir(), ".local", "state");
  return join(base, "atlas-compute", "local");
}

function inheritedFrom(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
