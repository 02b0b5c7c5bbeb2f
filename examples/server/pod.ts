/** The server in the pod. A guard opens it to its user only, and it reports its state to the application. */
import { createServer } from "node:http";
import { createGuard } from "atlas-compute/guard";

const { PORT, ATLAS_CONTROL_URL, ATLAS_POD_TOKEN, ATLAS_COMPUTE_ID } = process.env;
if (!PORT || !ATLAS_CONTROL_URL || !ATLAS_POD_TOKEN)
  throw new Error("this server is started by main.ts: it needs PORT, ATLAS_CONTROL_URL and ATLAS_POD_TOKEN");

async function report(kind: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${ATLAS_POD_TOKEN}`, "content-type": "application/json" };
  const url = `${ATLAS_CONTROL_URL}/pod/${kind}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  console.log(`reported ${kind}: ${response.status}`);
}

/** The guard sends heartbeats: while a caller uses the pod, the pod is not idle. After its deadline it ends itself. */
const guard = createGuard({ publicPaths: ["/healthz"], deadMan: true });

const server = createServer(
  guard.node((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(
      `${JSON.stringify({ hello: "from your own pod", computeId: ATLAS_COMPUTE_ID, path: request.url })}\n`,
    );
  }),
);

await report("status", { status: "loading", detail: "pretending to load a model" });
server.listen(Number(PORT), "127.0.0.1", async () => {
  await report("status", { status: "ready" });
  await report("logs", { lines: [`listening on port ${PORT}`] });
});

setInterval(() => {
  const memoryUsedMb = Math.round(process.memoryUsage.rss() / 1e6);
  report("metrics", { metrics: { "memory.used_mb": memoryUsedMb } }).catch((error: Error) =>
    console.log(error.message),
  );
}, 30_000).unref();
