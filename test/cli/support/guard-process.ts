/** The guard as a process of its own, as a pod runs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { freePort, waitFor } from "../../guard/support/proxied.ts";
import { bareEnv } from "../../support/bare-env.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));

/** The token that a {@link GuardProcess} accepts. */
export const TOKEN = "token-of-the-guarded-process";

/** A running guard. */
export interface GuardProcess extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Its exit code as a shell gives it, once it has ended. */
  readonly exited: Promise<number>;
  call(path?: string, init?: RequestInit): Promise<Response>;
}

/** What to run, and how. */
export interface GuardProcessOptions {
  readonly flags?: readonly string[];
  readonly command?: (targetPort: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly entry?: readonly string[];
  readonly detached?: boolean;
}

/** The command that listens on a port, and tells what it sees. */
function serverCommand(port: number): string[] {
  return [process.execPath, SERVER, String(port)];
}

/** Starts a guard on free ports. */
export async function startGuard(options: GuardProcessOptions = {}): Promise<GuardProcess> {
  const {
    flags = [],
    command = serverCommand,
    env = {},
    entry = [MAIN, "guard"],
    detached = false,
  } = options;
  const [port, targetPort] = [await freePort(), await freePort()];
  const target = `http://127.0.0.1:${targetPort}`;
  const own = ["--listen", `127.0.0.1:${port}`, "--target", target, ...flags];
  const words = command(targetPort);
  const child = spawn(process.execPath, [...entry, ...own, ...(words.length > 0 ? ["--", ...words] : [])], {
    env: { ...bareEnv(), ATLAS_PRESHARED_KEY: TOKEN, ...env },
    detached,
  });
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${TOKEN}` };
  return {
    url,
    child,
    stdout: collect(child.stdout),
    stderr: collect(child.stderr),
    exited: once(child, "exit").then(
      ([code, signal]) => code ?? 128 + constants.signals[signal as "SIGTERM"],
    ),
    call: (path = "/", init = {}) => fetch(url + path, { headers, ...init }),
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Waits until the server behind is ready. */
export async function waitUntilReady({ url }: GuardProcess): Promise<void> {
  await waitFor(async () => {
    const response = await fetch(`${url}/.well-known/atlas/ready`).catch(() => ({ status: 0 }));
    return response.status === 200;
  });
}

function collect(stream: ChildProcess["stdout"]): () => string {
  let text = "";
  stream?.on("data", (chunk) => {
    text += chunk;
  });
  return () => text;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  child.kill("SIGTERM");
  await once(child, "exit");
}
