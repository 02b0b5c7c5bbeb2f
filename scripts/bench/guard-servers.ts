/**
 * The servers of the benchmarks of the guard: with it, without it, and as others would do it. Each runs in a process of its own, which is this file
 * again.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Agent, createServer, type RequestListener, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { createProxyServer } from "httpxy";
import { systemClock } from "../../src/clock.ts";
import { GuardCore } from "../../src/guard/core.ts";
import { createGuard } from "../../src/guard/index.ts";
import { parseOptions } from "../../src/guard/options.ts";
import { GuardProxy } from "../../src/guard/servers/proxy.ts";
import { TargetWatch } from "../../src/guard/servers/target.ts";
import { checkByHand } from "./check-by-hand.ts";

/** The token that the guards accept. */
export const TOKEN = "c2VjcmV0LXRva2VuLW9mLXRoZS1iZW5jaG1hcms_0123";

const options = { presharedKey: TOKEN, origins: ["https://app.example"], env: {} };
const MODELS = Array.from({ length: 20 }, (_, index) => ({
  id: `model-${index}`,
  object: "model",
  owned_by: "me",
}));
/** A small answer of an API: the least that a server in a pod does. */
const answer: RequestListener = ({ headers }, response) => {
  const body = JSON.stringify({ object: "list", accepts: headers.accept, data: MODELS });
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
};

/** Writes a line as often as the path says in milliseconds, with the time of its writing. */
const streams: RequestListener = ({ url = "" }, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (): boolean => response.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
  write();
  const timer = setInterval(write, Number(url.slice(1)));
  response.on("close", () => clearInterval(timer));
};

/** The measured variants. Each starts a server in front of the target port where it needs one. */
const SERVERS: Readonly<Record<string, (target: URL) => Server>> = {
  "bare server": () => createServer(answer),
  streams: () => createServer(streams),
  middleware: () => createServer(createGuard(options).node(answer)),
  "check by hand": () => createServer(checkByHand({ token: TOKEN, origin: "https://app.example" }, answer)),
  "bare proxy": (target) => {
    const proxy = createProxyServer({
      target,
      xfwd: true,
      agent: new Agent({ keepAlive: true, timeout: 4000 }),
    });
    return createServer((request, response) => void proxy.web(request, response));
  },
  "guarded proxy": (target) => {
    const watch = new TargetWatch(target, systemClock, new AbortController().signal);
    const core = new GuardCore(parseOptions(options), () => {});
    return new GuardProxy({
      core,
      target,
      watch,
      clock: systemClock,
      log: () => {},
      onDefect: (defect) => console.error(defect),
    }).server;
  },
};

/** A server in a process of its own, on a loopback port. */
export interface RunningServer {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts a server. A proxy forwards to the target. */
export async function startServer(kind: string, target = "http://127.0.0.1"): Promise<RunningServer> {
  const child = fork(fileURLToPath(import.meta.url), [kind, target]);
  const [port] = await once(child, "message");
  return { child, port };
}

/** The processor time of a server so far, in microseconds. */
export async function processorTime({ child }: RunningServer): Promise<number> {
  const answered = once(child, "message");
  child.send("cpu");
  const [{ user, system }] = await answered;
  return user + system;
}

async function serve(kind: string, target: string): Promise<void> {
  const server = SERVERS[kind]?.(new URL(target));
  if (server === undefined) throw new Error(`There is no server "${kind}".`);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  process.on("message", () => process.send?.(process.cpuUsage()));
  process.on("disconnect", () => process.exit());
  process.send?.(typeof address === "object" ? address?.port : undefined);
}

const [kind, target] = process.argv.slice(2);
if (kind !== undefined && target !== undefined && process.send !== undefined) await serve(kind, target);
