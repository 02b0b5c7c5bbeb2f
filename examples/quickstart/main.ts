/**
 * Spawns a pod on this machine, reaches it with its token, is refused without it, and ends it. The pod is a child process, which needs no
 * account; with `npm start -- --provider docker` it is a container of the Docker daemon that DOCKER_HOST names.
 */
import { inspect, parseArgs, styleText } from "node:util";
import { type BearerHeaders, type Compute, createAtlas, type Progress } from "atlas-compute";
import { childProcess, container } from "./place.ts";

const PORT = 8000;
const VIDEO = "/video.m3u8?quality=high";
let failures = 0;

function paint(format: "bold" | "dim" | "green" | "red", text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

function show(label: string, value: string): void {
  console.log(`  ${paint("dim", label.padEnd(34))} ${value}`);
}

function check(label: string, holds: boolean, value: string): void {
  if (!holds) failures += 1;
  console.log(`${holds ? paint("green", "✓") : paint("red", "✗")} ${label.padEnd(34)} ${value}`);
}

function showProgress({ phase, elapsedSeconds, message }: Progress): void {
  console.log(paint("dim", `  ${elapsedSeconds.toFixed(1).padStart(4)}s ${phase.padEnd(13)} ${message}`));
}

async function checkStatus(
  label: string,
  expected: number,
  url: string,
  authorization?: string,
): Promise<void> {
  const { status } = await fetch(url, authorization === undefined ? {} : { headers: { authorization } });
  check(label, status === expected, `${status}`);
}

async function reachIt(compute: Compute, token: string): Promise<void> {
  const url = compute.url(PORT);
  const signed = compute.signUrl(PORT, VIDEO, { expiresInSeconds: 600 });
  const wrong = `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`;
  await checkStatus("without a token", 401, url);
  await checkStatus("with a wrong token", 401, url, `Bearer ${wrong}`);
  await checkStatus("with the token", 200, url, `Bearer ${token}`);
  await checkStatus("with a signed URL, as in <video>", 200, signed);
  await checkStatus("with that URL tampered with", 401, signed.replace("quality=high", "quality=low"));
}

function keepItSecret(compute: Compute, token: string, signingSecret: string): void {
  const printed = [
    JSON.stringify(compute),
    inspect(compute),
    JSON.stringify({ ...compute }),
    JSON.stringify(compute.raw),
  ];
  const leaks = printed.filter((text) => text.includes(token) || text.includes(signingSecret));
  check(
    "JSON.stringify and console.log",
    leaks.length === 0,
    leaks.length === 0 ? "show no secret" : "SHOW A SECRET",
  );
}

async function processOf(url: string, headers: BearerHeaders): Promise<number> {
  const response = await fetch(url, { headers });
  const body: unknown = await response.json();
  if (typeof body === "object" && body !== null && "pid" in body && typeof body.pid === "number")
    return body.pid;
  throw new Error("the pod did not answer with its process id");
}

async function isListening(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

const { values } = parseArgs({
  options: {
    provider: { type: "string", default: "local" },
    image: { type: "string", default: "node:24-slim" },
  },
});
if (values.provider !== "local" && values.provider !== "docker")
  throw new Error(`--provider is local or docker, not ${values.provider}`);
const place = values.provider === "local" ? childProcess() : await container(values.image);
const atlas = createAtlas({ providers: [place.provider] });

console.log(paint("bold", `Spawning a pod: ${place.description}`));
{
  await using compute = await atlas.spawnCompute(
    {
      ...place.request,
      ports: [PORT],
      auth: ["bearer", "signed-url"],
      userId: "user_42",
      maxLifetimeSeconds: 300,
    },
    { onProgress: showProgress },
  );
  const { token, signingSecret, hash } = compute.auth;
  await compute.waitUntilReady({ path: "/", timeoutSeconds: place.bootSeconds, onProgress: showProgress });
  const url = compute.url(PORT);
  const pid = await processOf(url, compute.auth.headers);

  console.log(`\n${paint("bold", "The pod")}`);
  show("compute", `${compute.id} (${compute.status} on ${compute.provider}, process ${pid})`);
  show("URL for the browser", url);
  show("hash for the app to store", hash);

  console.log(`\n${paint("bold", "Reaching it")}`);
  await reachIt(compute, token);
  keepItSecret(compute, token, signingSecret);

  console.log(`\n${paint("bold", "Ending it")}`);
  await compute.terminate();
  check("after terminate the compute is", compute.status === "terminated", compute.status);
  const isOpen = await isListening(url);
  check("its port is", !isOpen, isOpen ? "STILL OPEN" : "closed");
}
await atlas.close();

console.log(
  failures === 0
    ? `\n${paint("green", "Every check passed.")}`
    : `\n${paint("red", `${failures} checks failed.`)}`,
);
process.exitCode = failures === 0 ? 0 : 1;
