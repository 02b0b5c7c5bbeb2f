/** `spawnCompute` through the RunPod adapter against the same bare `fetch` calls, and a thousand spawns at once. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { json } from "node:stream/consumers";
import { createAtlas } from "../../src/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { median, print } from "./figures.ts";

const SPAWNS = 300;
const ROUNDS = 9;
const AT_ONCE = 1_000;

const gpu = {
  id: "NVIDIA L40S",
  name: "L40S",
  pool: null,
  manufacturer: "NVIDIA",
  memory: 48,
  secure: true,
  community: true,
  price: { secure: 0.9, community: 0.8 },
  maxCount: { secure: 8, community: 8 },
  availability: "HIGH",
  dataCenters: [],
};

function podOf(number: number, body: unknown): object {
  const { name, env, ports } = body as { name: string; env: Record<string, string>; ports: string[] };
  const createdAt = new Date().toISOString();
  const known = {
    id: `pod${number}`,
    name,
    status: "PROVISIONING",
    actions: ["stop"],
    image: "i",
    disk: 50,
    ports,
    env,
  };
  return {
    ...known,
    gpu: { id: gpu.id, count: 1 },
    cloud: "SECURE",
    cost: 0.9,
    locked: false,
    runtime: null,
    createdAt,
  };
}

/** A create as it arrived. */
interface Seen {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

let lastCreate: Seen | undefined;

/** RunPod's answers, as fast as they come. */
async function startServer(names: string[]): Promise<{ server: Server; url: string }> {
  const server = createServer(async (request, response) => {
    const body = request.method === "POST" ? await json(request) : undefined;
    if (body !== undefined) {
      const { authorization = "", accept = "", "user-agent": agent = "" } = request.headers;
      const headers = { authorization, accept, "user-agent": agent, "content-type": "application/json" };
      lastCreate = { headers, body };
      names.push((body as { name: string }).name);
    }
    const answer = body === undefined ? { gpus: [gpu] } : podOf(names.length, body);
    response.writeHead(body === undefined ? 200 : 201, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { server, url: `http://127.0.0.1:${address.port}` };
}

const names: string[] = [];
const { server, url } = await startServer(names);
const atlas = createAtlas({ providers: [runpod({ apiKey: "benchmark", baseUrl: url })] });
const request = { gpu: "l40s", image: "image", ports: [8000], env: { MODEL: "llama" } };

/** Sends the adapter's request without the adapter: the same headers and the same body. */
async function bare({ headers, body }: Seen): Promise<void> {
  const response = await fetch(`${url}/pods`, { method: "POST", headers, body: JSON.stringify(body) });
  await response.json();
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let count = 0; count < SPAWNS; count += 1) await run();
  return (performance.now() - begin) / SPAWNS;
}

await atlas.spawnCompute(request);
const create = lastCreate;
if (create === undefined) throw new Error("no create arrived");
const ours: number[] = [];
const theirs: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  theirs.push(await timed(() => bare(create)));
  ours.push(await timed(() => atlas.spawnCompute(request)));
}
const [spawn, plain] = [median(ours.slice(2)), median(theirs.slice(2))];
print("spawnCompute against the same bare fetch", spawn / plain, {
  budget: 1.3,
  better: "less",
  detail: `${spawn.toFixed(2)} ms against ${plain.toFixed(2)} ms`,
});

names.length = 0;
const before = process.memoryUsage().rss;
const computes = await Promise.all(Array.from({ length: AT_ONCE }, () => atlas.spawnCompute(request)));
const grown = (process.memoryUsage().rss - before) / 1_048_576;
const distinct = new Set(names).size;
if (distinct !== AT_ONCE || new Set(computes.map(({ providerId }) => providerId)).size !== AT_ONCE)
  throw new Error(`${AT_ONCE} spawns at once made ${names.length} creates of ${distinct} names`);
console.log(`✓ ${AT_ONCE} spawns at once: no duplicate, no orphan, ${grown.toFixed(0)} MB more memory`);

await atlas.close();
server.close();
