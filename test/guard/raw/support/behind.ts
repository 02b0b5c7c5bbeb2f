/** Five real servers that stand behind the guard, each of which notes every request that it sees. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import express from "express";
import { freePort, waitFor } from "../../support/proxied.ts";
import { start } from "../../support/servers.ts";

/** A request as a server saw it. */
export interface Seen {
  readonly method: string;
  /** The target as the server read it, or the whole first line of a request that the server could not read. */
  readonly target: string;
  readonly credential: string | null;
  /** The path that the application serves, where the server decodes it. */
  readonly path?: string;
  /** True for a request that the server refused to read: it has too many headers, for example. */
  readonly isUnread?: boolean;
}

/** A server that notes requests. */
export interface Behind extends AsyncDisposable {
  readonly port: number;
  /** The requests since the last call. */
  take(): readonly Seen[];
}

/** A kind of server. */
export interface BehindKind {
  readonly name: string;
  /** The reason why it cannot run here; `undefined` where it can. */
  readonly missing: string | undefined;
  /** True where every well-formed request reaches the notes. Other servers refuse some by rules of their own. */
  readonly seesAll: boolean;
  readonly open: () => Promise<Behind>;
}

const SUPPORT = fileURLToPath(new URL(".", import.meta.url));
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/** All kinds of servers. */
export const behindKinds: readonly BehindKind[] = [
  { name: "node:http", missing: undefined, seesAll: true, open: () => openNode((note) => note) },
  { name: "Express", missing: undefined, seesAll: true, open: () => openNode((note) => express().use(note)) },
  { name: "Python's http.server", missing: missing(PYTHON, ["--version"]), seesAll: false, open: openPython },
  { name: "nginx", missing: missing("nginx", ["-v"]), seesAll: false, open: openNginx },
  {
    name: "gunicorn",
    missing: missing(PYTHON, ["-c", "import gunicorn"]),
    seesAll: false,
    open: openGunicorn,
  },
];

function missing(program: string, words: readonly string[]): string | undefined {
  try {
    execFileSync(program, words, { stdio: "ignore" });
    return undefined;
  } catch {
    return `${program} ${words.join(" ")} fails on this machine`;
  }
}

/** Makes a listener that notes each request. */
export function noting(seen: Seen[]): RequestListener {
  return (request, response) => {
    const { method = "", url = "", headers } = request;
    const credential = headers["x-atlas-credential"];
    seen.push({ method, target: url, credential: typeof credential === "string" ? credential : null });
    response.end("ok");
  };
}

/** Closes a server of this process with all its connections. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

async function openNode(wrap: (note: RequestListener) => RequestListener): Promise<Behind> {
  const seen: Seen[] = [];
  const server = createServer(wrap(noting(seen)));
  const port = await start(server);
  return { port, take: () => seen.splice(0), [Symbol.asyncDispose]: () => closeServer(server) };
}

async function openPython(): Promise<Behind> {
  return await openProcess((port, notes) => ({
    program: PYTHON,
    words: ["-B", join(SUPPORT, "behind.py"), String(port), notes],
  }));
}

async function openGunicorn(): Promise<Behind> {
  const options = ["--workers=1", "--threads=8", "--keep-alive=5", "--log-level=critical"];
  return await openProcess((port, notes) => ({
    program: PYTHON,
    words: [
      "-B",
      "-m",
      "gunicorn",
      ...options,
      `--bind=127.0.0.1:${port}`,
      `--chdir=${SUPPORT}`,
      "behind_wsgi:app",
    ],
    env: { NOTES: notes },
  }));
}

async function openNginx(): Promise<Behind> {
  return await openProcess((port, notes, folder) => {
    const config = join(folder, "nginx.conf");
    writeFileSync(config, nginxConfig(port, notes, folder));
    return { program: "nginx", words: ["-p", folder, "-c", config] };
  });
}

function nginxConfig(port: number, notes: string, folder: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `daemon off; master_process off; pid ${folder}/pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  ${temporary.join(" ")}
  log_format notes escape=json '{"method":"$request_method","line":"$request","target":"$request_uri","credential":"$http_x_atlas_credential","status":"$status"}';
  access_log ${notes} notes;
  server { listen 127.0.0.1:${port} backlog=512; location / { return 200 "ok"; } }
}`;
}

interface Started {
  readonly program: string;
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

async function openProcess(
  command: (port: number, notes: string, folder: string) => Started,
): Promise<Behind> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-behind-"));
  const notes = join(folder, "notes");
  writeFileSync(notes, "");
  const port = await freePort();
  const { program, words, env = {} } = command(port, notes, folder);
  const child = spawn(program, words, { stdio: "ignore", env: { PATH: process.env.PATH, ...env } });
  await waitFor(async () => await answers(port));
  let read = readFileSync(notes).length;
  const take = (): readonly Seen[] => {
    const fresh = readFileSync(notes).subarray(read).toString("utf8");
    const whole = fresh.slice(0, fresh.lastIndexOf("\n") + 1);
    read += Buffer.byteLength(whole);
    return whole.split("\n").filter(Boolean).map(toSeen);
  };
  return { port, take, [Symbol.asyncDispose]: () => end(child, folder) };
}

function toSeen(line: string): Seen {
  const {
    method,
    target,
    credential,
    path,
    line: first,
    status,
    unread = status === "400",
  } = JSON.parse(line);
  return {
    method,
    target: (unread ? first : target) ?? "",
    credential: credential || null,
    path,
    isUnread: unread,
  };
}

async function answers(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/public/started`).then(
    () => true,
    () => false,
  );
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  child.kill("SIGTERM");
  if (child.exitCode === null) await once(child, "exit");
  rmSync(folder, { recursive: true, force: true });
}
