/**
 * Measures the guard under many connections: 1,000 that send nothing, 1,000 with half a head and 1,000 that stream, each with the guard's
 * descriptors and memory, and whether a caller with a credential still gets through. Run it with `npm run load:guard`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, get, type IncomingMessage, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";

const COUNT = Number(process.env.CONNECTIONS ?? 1000);
const TOKEN = "token-of-the-load-on-the-guard";
const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
const HEADERS = { authorization: `Bearer ${TOKEN}` };

const stream: RequestListener = (request, response) => {
  if (request.url !== "/stream") return void response.end("ok");
  response.writeHead(200, { "content-type": "text/event-stream" });
  const timer = setInterval(() => response.write("data: a token of a model\n\n"), 100);
  response.on("close", () => clearInterval(timer));
};

async function startBehind(): Promise<number> {
  const server = createServer(stream).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

async function startGuard(target: number, port: number): Promise<ChildProcess> {
  const words = ["--listen", `127.0.0.1:${port}`, "--target", `http://127.0.0.1:${target}`, "--no-log"];
  const child = spawn(process.execPath, [MAIN, "guard", ...words], {
    env: { PATH: process.env.PATH, ATLAS_PRESHARED_KEY: TOKEN },
    stdio: "inherit",
  });
  while ((await timed(port)) === undefined) await pause(50);
  return child;
}

/** The milliseconds until a caller with a credential is answered; `undefined` when it is not. */
async function timed(port: number): Promise<number | undefined> {
  const begun = performance.now();
  const call = fetch(`http://127.0.0.1:${port}/`, { headers: HEADERS, signal: AbortSignal.timeout(5000) });
  const isAnswered = await call.then(
    ({ status }) => status === 200,
    () => false,
  );
  return isAnswered ? performance.now() - begun : undefined;
}

function usageOf({ pid }: ChildProcess): { descriptors: number; megabytes: number } {
  const pages = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { descriptors: readdirSync(`/proc/${pid}/fd`).length, megabytes: Number(pages) / 1024 };
}

async function report(name: string, child: ChildProcess, port: number): Promise<void> {
  const { descriptors, megabytes } = usageOf(child);
  const milliseconds = await timed(port);
  const answer = milliseconds === undefined ? "NOT answered" : `answered in ${milliseconds.toFixed(0)} ms`;
  console.log(
    `${name}: ${descriptors} descriptors, ${megabytes.toFixed(0)} MB, a caller with a token is ${answer}`,
  );
}

/** Opens connections that send a text and no more, and closes them after the report. */
async function silent(name: string, text: string, child: ChildProcess, port: number): Promise<void> {
  const sockets: Socket[] = [];
  for (let index = 0; index < COUNT; index += 1) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.write(text);
    sockets.push(socket);
    if (index % 50 === 0) await pause(5);
  }
  await pause(500);
  await report(`${COUNT} connections ${name}`, child, port);
  for (const socket of sockets) socket.destroy();
  await pause(500);
}

async function streaming(child: ChildProcess, port: number): Promise<void> {
  const answers: IncomingMessage[] = [];
  let bytes = 0;
  for (let index = 0; index < COUNT; index += 1) {
    const [answer] = await once(
      get({ port, host: "127.0.0.1", path: "/stream", headers: HEADERS, agent: false }),
      "response",
    );
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    answers.push(answer);
  }
  await pause(5000);
  await report(`${COUNT} streams after ${bytes} bytes`, child, port);
  for (const answer of answers) answer.destroy();
  await pause(1000);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const target = await startBehind();
const port = target + 1 > 65_535 ? target - 1 : target + 1;
const child = await startGuard(target, port);
await report("no connections", child, port);
await silent("that send nothing", "", child, port);
await silent("with half a head", "GET / HTTP/1.1\r\nHost: a\r\nX: ", child, port);
await silent("that were refused", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", child, port);
await streaming(child, port);
await report("no connections again", child, port);
child.kill("SIGKILL");
process.exit();
