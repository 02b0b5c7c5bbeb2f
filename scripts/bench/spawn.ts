/** `spawnCompute` through the RunPod adapter against the same requests through `fetch` and `ky`: one after the other, and 1, 100 and 1,000 at once. */
import ky from "ky";
import { createAtlas } from "../../src/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { count, inDigits, inTurns, type Measured, median, ratios, report } from "./figures.ts";
import { type Create, startSpawnServer } from "./spawn-server.ts";

const SPAWNS = count(200, 5);
const ROUNDS = count(15, 1);
const AT_ONCE: readonly number[] = [1, 100, count(1000, 200)];

const server = await startSpawnServer();
// RunPod allows 60 calls a minute, for which a spawn would wait.
const { budget: _60, ...provider } = runpod({ apiKey: "benchmark", baseUrl: server.url });
const atlas = createAtlas({ providers: [provider] });
const request = { gpu: "l40s", image: "image", ports: [8000], env: { MODEL: "llama" } };

await atlas.spawnCompute(request);
const { last } = await server.creates();
if (last === undefined) throw new Error("no create arrived");
const create: Create = last;
const { headers } = create;
const url = `${server.url}/pods`;

/** The ways to send a create. The peers send the adapter's request without the adapter: the same headers and the same body. */
const WAYS = {
  ours: () => atlas.spawnCompute(request),
  ky: () => ky.post(url, { headers, json: create.body, retry: 0, timeout: 60_000 }).json(),
  fetch: async () => {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(create.body) });
    return response.json();
  },
} as const;
type Way = keyof typeof WAYS;

/** Time for each spawn, in milliseconds: on the clock, and of this process's processor. */
interface Cost {
  readonly clock: number;
  readonly processor: number;
}

async function costOf(spawns: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const begin = performance.now();
  await work();
  const clock = (performance.now() - begin) / spawns;
  const { user, system } = process.cpuUsage(before);
  return { clock, processor: (user + system) / 1000 / spawns };
}

async function oneByOne(way: Way): Promise<Cost> {
  return costOf(SPAWNS, async () => {
    for (let spawn = 0; spawn < SPAWNS; spawn += 1) await WAYS[way]();
  });
}

async function atOnce(way: Way, spawns: number): Promise<Cost> {
  const cost = await costOf(spawns, () => Promise.all(Array.from({ length: spawns }, () => WAYS[way]())));
  const { names } = await server.creates();
  const distinct = new Set(names).size;
  if (names.length !== spawns || (way === "ours" && distinct !== spawns))
    throw new Error(`${spawns} spawns made ${names.length} creates of ${distinct} names`);
  return cost;
}

function reportCosts(measured: string, costs: Measured<Way, Cost>, by: keyof Cost, limit?: number): void {
  const ours = costs.ours.map((cost) => cost[by]);
  for (const peer of ["fetch", "ky"] as const) {
    const theirs = costs[peer].map((cost) => cost[by]);
    report({
      measured: `${measured}, ${by === "clock" ? "time" : "processor time"}`,
      ours: `${inDigits(median(ours))} ms`,
      peer: `\`${peer}\`, ${inDigits(median(theirs))} ms`,
      ratio: ratios(ours, theirs),
      ...(limit !== undefined && peer === "fetch" && { budget: { limit, better: "less" } }),
    });
  }
}

const single = await inTurns(ROUNDS, {
  ours: () => oneByOne("ours"),
  ky: () => oneByOne("ky"),
  fetch: () => oneByOne("fetch"),
});
reportCosts("one after the other", single, "clock", 1.3);
reportCosts("one after the other", single, "processor");
await server.creates();

for (const spawns of AT_ONCE) {
  const costs = await inTurns(ROUNDS, {
    ours: () => atOnce("ours", spawns),
    ky: () => atOnce("ky", spawns),
    fetch: () => atOnce("fetch", spawns),
  });
  reportCosts(`${spawns} at once, for each`, costs, "clock");
}

const before = process.memoryUsage().rss;
await atOnce("ours", count(1000, 200));
report({
  measured: `${count(1000, 200)} at once, further memory`,
  ours: `${inDigits(Math.max(0, process.memoryUsage().rss - before) / 2 ** 20)} MB`,
  peer: "no duplicate, no orphan",
});

await atlas.close();
server.stop();
