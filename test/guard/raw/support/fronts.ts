/** The guard in front of servers: as the binary, and as middleware of each kind of server. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import express from "express";
import express4 from "express4";
import { Hono } from "hono";
import { createGuard, type Guard } from "../../../../src/guard/index.ts";
import { bareEnv } from "../../../support/bare-env.ts";
import { freePort, waitFor } from "../../support/proxied.ts";
import { start } from "../../support/servers.ts";
import { closeServer, noting, type Seen } from "./behind.ts";
import { corpus } from "./corpus.ts";

/** A guarded server that notes requests. */
export interface Front extends AsyncDisposable {
  readonly port: number;
  take(): readonly Seen[];
}

/** The guard in a process of its own. */
export interface GuardBinary extends AsyncDisposable {
  readonly port: number;
  readonly child: ChildProcess;
  /** The text that it has written for the operator. */
  readonly stderr: () => string;
  /** The number of its open descriptors. */
  readonly descriptors: () => number;
}

const MAIN = fileURLToPath(new URL("../../../../src/cli/main.ts", import.meta.url));

/** Starts the binary in front of a port. */
export async function startBinary(target: number, flags: readonly string[] = []): Promise<GuardBinary> {
  const port = await freePort();
  const publicFlags = corpus.publicPaths.flatMap((path) => ["--public", path]);
  const words = [
    "guard",
    "--listen",
    `127.0.0.1:${port}`,
    "--target",
    `http://127.0.0.1:${target}`,
    ...publicFlags,
  ];
  const child = spawn(process.execPath, [MAIN, ...words, "--no-log", ...flags], {
    env: { ...bareEnv(), ATLAS_PRESHARED_KEY: corpus.token, ATLAS_SIGNING_SECRET: corpus.secret },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  await waitFor(async () => await isReady(port));
  return {
    port,
    child,
    stderr: () => stderr,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/.well-known/atlas/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** A kind of server with the guard as its middleware. */
export interface FrontKind {
  readonly name: string;
  /** True where the application sees the target as it came, and not as a `Request` normalises it. */
  readonly seesTarget: boolean;
  readonly open: () => Promise<Front>;
}

/** All kinds of middleware. */
export const frontKinds: readonly FrontKind[] = [
  { name: "node:http", seesTarget: true, open: () => openListener((guard, note) => guard.node(note)) },
  {
    name: "Express 5",
    seesTarget: true,
    open: () => openListener((guard, note) => mounted(express(), guard, note)),
  },
  {
    name: "Express 4",
    seesTarget: true,
    open: () => openListener((guard, note) => mounted(express4(), guard, note)),
  },
  { name: "Fetch", seesTarget: false, open: () => openFetch((guard, handler) => guard.fetch(handler)) },
  { name: "Hono", seesTarget: false, open: () => openFetch(asHono) },
];

function rawGuard(): Guard {
  const { token, secret, publicPaths } = corpus;
  return createGuard({ presharedKey: token, signingSecret: secret, publicPaths, env: {}, log: () => {} });
}

/** The guard in front of an application whose routes lie in a mounted router. */
function mounted(app: express.Express, guard: Guard, note: RequestListener): RequestListener {
  const inner = express.Router();
  inner.use((request, response) => void note(request, response));
  app.use(guard.express());
  app.use("/private", inner);
  app.use((request, response) => void note(request, response));
  return app;
}

async function openListener(wrap: (guard: Guard, note: RequestListener) => RequestListener): Promise<Front> {
  const seen: Seen[] = [];
  const guard = rawGuard();
  const note = noting(seen);
  const listener = wrap(guard, (request, response) => {
    // Express serves below a mount, and notes the whole target.
    const original: unknown = "originalUrl" in request ? request.originalUrl : request.url;
    request.url = String(original);
    note(request, response);
  });
  const server = createServer(listener);
  const accept = guard.upgrade((request, socket) => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, target: url, credential: String(headers["x-atlas-credential"]) });
    socket.end("HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\n\r\n");
  });
  server.on("upgrade", accept);
  server.on("checkContinue", listener);
  return await frontOf(server, seen);
}

async function openFetch(
  wrap: (guard: Guard, handler: (request: Request) => Response) => (request: Request) => Promise<Response>,
): Promise<Front> {
  const seen: Seen[] = [];
  const handler = wrap(rawGuard(), ({ method, url, headers }) => {
    const target = url.slice(new URL(url).origin.length);
    seen.push({ method, target, credential: headers.get("x-atlas-credential") });
    return new Response(method === "HEAD" ? null : "ok");
  });
  const server = serve({ fetch: handler, port: 0, hostname: "127.0.0.1" }) as Server;
  if (!server.listening) await once(server, "listening");
  return await frontOf(server, seen);
}

function asHono(
  guard: Guard,
  handler: (request: Request) => Response,
): (request: Request) => Promise<Response> {
  const app = new Hono();
  app.use(guard.hono());
  app.all("*", (context) => handler(context.req.raw));
  return async (request) => await app.fetch(request);
}

async function frontOf(server: Server, seen: Seen[]): Promise<Front> {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : await start(server);
  return { port, take: () => seen.splice(0), [Symbol.asyncDispose]: () => closeServer(server) };
}
