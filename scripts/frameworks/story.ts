/** The requests of a browser to a control plane that a framework mounts, and the end of the server by its operator. */
import { local } from "../../src/providers/local/index.ts";
import type { Server } from "./project.ts";

/** The module that makes the client, as each application has it. It says when a client is made and when a reaper's pass ran. */
export const ATLAS_MODULE = `
import { createAtlas } from "atlas-compute";
import { local } from "atlas-compute/local";
import { createControlPlane, sharedAtlas } from "atlas-compute/server";

export const atlas = sharedAtlas("main", () => {
  console.log("a client is made in process", process.pid);
  return createAtlas({ providers: [local({ stateDirectory: process.env.STATE })] });
});

atlas.startReaper({ untilSignal: true, onReport: () => console.log("a pass of the reaper") });

export const plane = createControlPlane({
  atlas,
  authorize: () => ({ userId: "ada" }),
  request: () => ({ command: ["sleep", "600"], ports: [8000] }),
  basePath: "/api/atlas",
});
`;

const BEARER = { authorization: "Bearer ada" };

/** Spawns through the route, and follows its events. Leaves the stream open. @returns the id, and the end of the stream */
export async function spawnAndFollow({
  url,
}: Server): Promise<{ readonly id: string; readonly ended: Promise<boolean> }> {
  const headers = { ...BEARER, "content-type": "application/json" };
  const spawned = await fetch(`${url}/api/atlas/computes`, { method: "POST", headers, body: "{}" });
  const { id } = await answerOf(spawned, 201);
  if (typeof id !== "string") throw new Error("the route answered a compute without an id");
  const events = await fetch(`${url}/api/atlas/computes/${id}/events`, { headers: BEARER });
  if (events.status !== 200 || events.body === null)
    throw new Error(`the events were answered with ${events.status}`);
  const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader.read();
  if (!first.value?.includes("connected")) throw new Error(`the event stream began with ${first.value}`);
  return { id, ended: readToEnd(reader) };
}

/** True when the stream ended whole, false when its connection broke. */
async function readToEnd(reader: ReadableStreamDefaultReader<string>): Promise<boolean> {
  try {
    while (!(await reader.read()).done);
    return true;
  } catch {
    return false;
  }
}

/** Ends a compute. */
export async function endCompute({ url }: Server, id: string): Promise<void> {
  await answerOf(
    await fetch(`${url}/api/atlas/computes/${id}`, { method: "DELETE", headers: BEARER }),
    200,
    202,
  );
}

async function answerOf(
  response: Response,
  ...expected: readonly number[]
): Promise<Record<string, unknown>> {
  const text = await response.text();
  if (!expected.includes(response.status))
    throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Compares how often the output has a line. @throws Error with the output */
export function expectLines({ output }: Server, line: string, count: number): void {
  const found = output.text.split("\n").filter((other) => other.includes(line)).length;
  if (found !== count)
    throw new Error(`the server said "${line}" ${found} times and not ${count}:\n${output.text}`);
}

/** Compares how often the lines of each process come. @throws Error with the output unless each comes once */
export function expectOncePerProcess({ output }: Server, line: string): void {
  const found = output.text.split("\n").filter((other) => other.startsWith(line));
  if (found.length > 0 && new Set(found).size === found.length) return;
  throw new Error(`the server did not say "${line}" once in each process:\n${output.text}`);
}

/** Ends the server while a stream is open: the stream ends whole, and the process goes. */
export async function stopWhole(
  server: Server,
  signal: "SIGTERM" | "SIGINT",
  ended: Promise<boolean>,
): Promise<void> {
  const seconds = await server.stop(signal);
  if (!(await ended)) throw new Error(`the event stream was cut off by ${signal}:\n${server.output.text}`);
  console.log(`  ${signal} with an open stream: ended in ${seconds.toFixed(1)} s`);
}

/** Ends the processes that computes have left in this state folder. */
export async function endProcesses(stateDirectory: string): Promise<void> {
  const provider = local({ stateDirectory });
  const context = { signal: AbortSignal.timeout(10_000), requestTimeoutSeconds: 10 };
  for (const instance of await provider.list({ namePrefix: "atlas-" }, context))
    await provider.terminate(instance, context);
}
