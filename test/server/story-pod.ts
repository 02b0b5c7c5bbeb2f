/** The program in the story's pod: a guarded server that reports "loading", then "ready". */
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { createGuard } from "../../src/guard/index.ts";

const { PORT, ATLAS_CONTROL_URL, ATLAS_POD_TOKEN } = process.env;

/** Turns the minute between two heartbeats into a tenth of a second. */
const hasty = {
  now: (): Date => new Date(),
  sleep: async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    await setTimeout(milliseconds / 600, undefined, signal === undefined ? {} : { signal });
  },
};

const guard = createGuard({ publicPaths: ["/healthz"], clock: hasty });

async function report(status: string): Promise<void> {
  const headers = { authorization: `Bearer ${ATLAS_POD_TOKEN}`, "content-type": "application/json" };
  await fetch(`${ATLAS_CONTROL_URL}/pod/status`, {
    method: "POST",
    headers,
    body: JSON.stringify({ status }),
  });
}

await report("loading");
const server = createServer(guard.node((_request, response) => response.end("hello")));
server.listen(Number(PORT), "127.0.0.1", () => void report("ready"));
