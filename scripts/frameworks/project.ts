/** Projects of other people's tools, each in a folder of its own with this package installed from its tarball. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const INSTALL_SECONDS = 180;
const COMMAND_SECONDS = 240;
const READY_SECONDS = 60;

/** The environment of every command: without the variables of this script's own runner. */
function cleanEnv(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  // A network with certificates of its own is told of them by this variable.
  const { PATH, HOME, TMPDIR, NODE_EXTRA_CA_CERTS } = process.env;
  return { PATH, HOME, TMPDIR, NODE_EXTRA_CA_CERTS, CI: "true", NEXT_TELEMETRY_DISABLED: "1", ...more };
}

/** Makes a project with these files and packages. `@opentelemetry/api` is in none of them, because it is optional. */
export async function makeProject(
  folder: string,
  packages: readonly string[],
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFiles(folder, { "package.json": '{ "private": true, "type": "module" }', ...files });
  const options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  await runCommand(folder, ["npm", "install", ...options, ...packages], { seconds: INSTALL_SECONDS });
}

/** Writes these files below the folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

/** The options of a command. */
export interface CommandOptions {
  readonly seconds?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and returns what it printed. @throws Error with the output when it fails or takes too long */
export async function runCommand(
  folder: string,
  [program = "", ...parameters]: readonly string[],
  { seconds = COMMAND_SECONDS, env = {} }: CommandOptions = {},
): Promise<string> {
  const child = spawn(program, parameters, {
    cwd: folder,
    env: cleanEnv(env),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: seconds * 1000,
    killSignal: "SIGKILL",
  });
  const output = collect(child);
  const [code, signal] = await once(child, "close");
  if (code === 0) return output.text;
  throw new Error(`${[program, ...parameters].join(" ")} ended with ${code ?? signal}:\n${output.text}`);
}

/** A server that runs, with its address and all that it printed so far. */
export interface Server {
  readonly url: string;
  readonly output: { readonly text: string };
  /** Tells it to end, and returns the seconds that it took. @throws Error when it takes more than 15 s */
  stop(signal: "SIGTERM" | "SIGINT"): Promise<number>;
  kill(): void;
}

/** The surroundings of a server. */
export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** @default a free port of the loopback */
  readonly port?: number;
}

/** Starts a server, and waits until this path is answered. */
export async function startServer(
  folder: string,
  command: (port: number) => readonly string[],
  path: string,
  { env = {}, port: wanted }: ServerOptions = {},
): Promise<Server> {
  const port = wanted ?? (await freePort());
  const [program = "", ...parameters] = command(port);
  const child = spawn(program, parameters, {
    cwd: folder,
    env: cleanEnv({ PORT: String(port), HOST: "127.0.0.1", ...env }),
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the end of the check ends every process of the server.
    detached: true,
  });
  const output = collect(child);
  const url = `http://127.0.0.1:${port}`;
  const server = { url, output, stop: stopper(child, output), kill: () => killGroup(child) };
  await awaitAnswer(child, `${url}${path}`, output);
  return server;
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-Number(pid), "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, "code") !== "ESRCH") throw error;
  }
}

async function awaitAnswer(
  child: ChildProcess,
  url: string,
  output: { readonly text: string },
): Promise<void> {
  const endsAt = Date.now() + READY_SECONDS * 1000;
  for (;;) {
    const isUp = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    if (child.exitCode !== null || Date.now() > endsAt) {
      killGroup(child);
      throw new Error(`${url} did not answer:\n${output.text}`);
    }
    await sleep(250);
  }
}

const STOP_SECONDS = 15;

function stopper(child: ChildProcess, output: { readonly text: string }): Server["stop"] {
  return async (signal) => {
    const begun = Date.now();
    const ended = once(child, "exit").then(() => true);
    child.kill(signal);
    if (await Promise.race([ended, sleep(STOP_SECONDS * 1000, false)])) return (Date.now() - begun) / 1000;
    killGroup(child);
    throw new Error(`it still ran ${STOP_SECONDS} s after ${signal}:\n${output.text}`);
  };
}

function collect(child: ChildProcess): { text: string } {
  const output = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data: Buffer) => {
      output.text += data.toString();
    });
  return output;
}

/** A port of the loopback that no program uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
