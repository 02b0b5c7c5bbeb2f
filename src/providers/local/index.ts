/**
 * Real pods for development: every compute is a child process of this machine.
 * @module
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Provider } from "../../provider.ts";
import { findCandidates } from "./candidates.ts";
import { BOOT_SECONDS } from "./convert.ts";
import { createInstance } from "./create.ts";
import {
  findInstances,
  getInstance,
  listInstances,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances.ts";
import { readLogs } from "./logs.ts";
import { type LocalOptions, parseLocalOptions } from "./options.ts";

export type { LocalOptions } from "./options.ts";

/** The variables that a program needs on this machine. Every other variable may be a secret of the application. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/**
 * Makes a provider whose instances are child processes of this machine, for Linux and macOS. It needs no account and costs nothing.
 *
 * - **Command.** `request.command` runs unchanged, without a shell, in the caller's working directory. `local()` ignores `image`,
 *   `cpus`, `memoryGb` and `diskGb`; a GPU, a volume and a region other than `local` are UNSUPPORTED.
 * - **Ports.** Each requested port becomes a free loopback port, known as soon as the create resolves. The program finds the
 *   port to listen on in `PORT` for the first and in `ATLAS_PORT_<internal>` for each.
 * - **Environment.** The program gets the request's `env`, the ports, and from this process's environment only `PATH`, `HOME`, `USER`, `LOGNAME`,
 *   `SHELL`, `LANG`, `LC_ALL`, `LC_CTYPE`, `TZ` and `TMPDIR`. It gets no secret of the application.
 * - **Life.** Instances outlive the process that created them. Any process with the same `stateDirectory` finds them again,
 *   distinguishes them from later processes with the same id, and can end them.
 * - **End.** `terminate` sends SIGTERM to the command, SIGKILL after `stopTimeoutSeconds`, and then SIGKILL to the rest of
 *   its process group. The end of the command also ends its group: with code 0 the instance is `terminated`, else it is `failed`
 *   until a `terminate`, with the code in `message`.
 * - **Stop.** `stop` freezes the process group (SIGSTOP) and `start` thaws it, so that no secret has to be stored for
 *   a second start; memory and ports stay.
 * - **Files.** Only this user can read the state folder, which holds no env value. It holds the program's output as a log. The next
 *   create removes ended instances beyond the newest 50.
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
    // The supervisor is started, or fails, within the call.
    createGraceSeconds: 75,
    lookSeconds: 0.1,
    candidates: async (request) => findCandidates(request),
    create: (request, context) => createInstance(settings, request, context),
    get: (reference, context) => getInstance(settings, reference, context),
    list: ({ namePrefix }, context) => listInstances(settings, namePrefix, context),
    find: (name, context) => findInstances(settings, name, context),
    terminate: (reference, context) => terminateInstance(settings, reference, context),
    stop: (reference, context) => stopInstance(settings, reference, context),
    start: (reference, context) => startInstance(settings, reference, context),
    logs: (reference, logOptions, context) => readLogs(settings, reference, logOptions, context),
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
