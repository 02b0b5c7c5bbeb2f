/** The guarded Python application behind the servers that people run, each a process of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { freePort } from "./proxied.ts";

/** The directory of the Python programs of these tests. */
const PROGRAMS = new URL("../", import.meta.url).pathname;
const MODULES = "import uvicorn, hypercorn, gunicorn, waitress, wsproto, h11";

/** A server of Python, and its arguments behind `python3 -m`. */
export interface PythonServer {
  readonly name: string;
  readonly protocol: "asgi" | "wsgi";
  readonly args: (port: number) => readonly string[];
}

export const PYTHON_SERVERS: readonly PythonServer[] = [
  {
    name: "uvicorn",
    protocol: "asgi",
    args: (port) => ["uvicorn", "served_app:asgi", "--port", `${port}`, "--log-level", "critical"],
  },
  {
    name: "hypercorn",
    protocol: "asgi",
    args: (port) => [
      "hypercorn",
      "served_app:asgi",
      "--bind",
      `127.0.0.1:${port}`,
      "--log-level",
      "critical",
    ],
  },
  {
    name: "gunicorn with a synchronous worker",
    protocol: "wsgi",
    args: (port) => ["gunicorn", "served_app:wsgi", "--bind", `127.0.0.1:${port}`, "--log-level", "critical"],
  },
  {
    name: "gunicorn with threads",
    protocol: "wsgi",
    args: (port) => [
      ...["gunicorn", "served_app:wsgi", "--bind", `127.0.0.1:${port}`, "--log-level", "critical"],
      ...["--threads", "4", "--preload"],
    ],
  },
  {
    name: "gunicorn with uvicorn's worker",
    protocol: "asgi",
    args: (port) => [
      ...["gunicorn", "served_app:asgi", "--bind", `127.0.0.1:${port}`, "--log-level", "critical"],
      ...["-k", "uvicorn.workers.UvicornWorker"],
    ],
  },
  {
    name: "waitress",
    protocol: "wsgi",
    args: (port) => ["waitress", "--listen", `127.0.0.1:${port}`, "served_app:wsgi"],
  },
];

/** Finds a Python that has the servers; `undefined` where none has. CI installs them. */
export function pythonWithServers(): string | undefined {
  return ["python3", "/usr/bin/python3"].find((program) => {
    try {
      execFileSync(program, ["-c", MODULES], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });
}

/** A running server. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** True while a process of the server's group runs. */
  isRunning(): boolean;
}

/** Starts a server, and resolves when it listens. */
export async function startPython(
  python: string,
  { name, args }: PythonServer,
  env: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const port = await freePort();
  const child = spawn(python, ["-m", ...args(port)], {
    cwd: PROGRAMS,
    env: { PATH: process.env.PATH ?? "", PYTHONDONTWRITEBYTECODE: "1", PYTHONPATH: PROGRAMS, ...env },
    stdio: ["ignore", "ignore", "pipe"],
    // A group of its own, because some of these servers start workers.
    detached: true,
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${errors}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, isRunning: () => signalGroup(child, 0), [Symbol.asyncDispose]: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
  if (signalGroup(child, "SIGKILL")) await exited;
}

/** Signals the group of a server. False when none of its processes runs. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** The answer to raw bytes. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Sends bytes, and resolves with everything that came back until the server closed, or until nothing came for a time. */
export async function sendBytes(port: number, bytes: string, quietMilliseconds = 1000): Promise<RawAnswer> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => socket.destroy());
  socket.setTimeout(quietMilliseconds, () => socket.destroy());
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return parseAnswer(Buffer.concat(chunks).toString("utf8"));
}

function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(statusLine.split(" ")[1] ?? 0), headers, body: text.slice(end + 4) };
}
