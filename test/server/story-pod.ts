/** The program in the story's pod: a guarded server that reports "loading", then "ready". */
import { createServer } from "node:http";
import { createGuard } from "../../src/guard/index.ts";

const { PORT, ATLAS_CONTROL_URL, ATLAS_POD_TOKEN } = process.env;

const guard = createGuard({ publicPaths: ["/healthz"] });

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
