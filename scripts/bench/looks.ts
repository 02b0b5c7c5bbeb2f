/** The requests of one minute at a fake RunPod, on a clock that leaps: with 1, 10 and 100 waiters, and a pass over 20 creates of unknown outcome. */
import { createAtlas } from "../../src/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { loadLifecycle } from "../../src/load-lifecycle.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { type FakeRunpod, fakeRunpod } from "../../test/fakes/runpod.ts";
import { count, report } from "./figures.ts";

const WAITERS: readonly number[] = [1, 10, count(100, 10)];
/** RunPod allows so many requests a minute. */
const QUOTA = 60;
/** A look of each waiter every three seconds. */
const LOOKS = 20;
const UNCERTAIN = 20;

/** A client, and the account that it calls. */
interface Scene {
  readonly clock: ManualClock;
  readonly fake: FakeRunpod;
  readonly atlas: ReturnType<typeof createAtlas>;
}

function scene(): Scene {
  const clock = manualClock();
  const fake = fakeRunpod({ clock, bootSeconds: 3600 });
  const provider = runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock });
  const timing = { lookupSeconds: 1 };
  return { clock, fake, atlas: createAtlas({ providers: [provider], clock, fetch: fake.fetch, timing }) };
}

const request = { gpu: "rtx-4090", image: "ghcr.io/acme/server:1", ports: [8000] } as const;

async function requestsOfWaiters(waiters: number): Promise<number> {
  const { clock, fake, atlas } = scene();
  const over = new AbortController();
  const waits: Promise<unknown>[] = [];
  for (let waiter = 0; waiter < waiters; waiter += 1) {
    const compute = await clock.settle(atlas.spawnCompute(request));
    waits.push(compute.waitUntilReady({ signal: over.signal }).catch((error: unknown) => error));
  }
  const before = fake.requests.length;
  await clock.advance(60);
  const count = fake.requests.length - before;
  over.abort();
  await clock.settle(Promise.all(waits));
  return count;
}

async function requestsOfPass(): Promise<readonly string[]> {
  const { clock, fake, atlas } = scene();
  for (let row = 0; row < UNCERTAIN; row += 1) {
    fake.fault("create", "connection-after");
    fake.fault("list", "error-before", 50);
    await clock.settle(atlas.spawnCompute(request).catch((error: unknown) => error));
    fake.heal();
  }
  await clock.advance(700);
  const before = fake.requests.length;
  await clock.settle(atlas.reap());
  return fake.requests.slice(before);
}

// On a clock that does not wait for them, loading modules would look like a provider that does not answer.
await Promise.all([loadLifecycle(), loadRetry(), import("ky")]);
for (const waiters of WAITERS) {
  const requests = await requestsOfWaiters(waiters);
  report({
    measured: `${waiters} waiting, in one minute`,
    ours: `${requests}`,
    peer: `${waiters * LOOKS}, a look of each every 3 s`,
    ratio: requests / (waiters * LOOKS),
    budget: { limit: QUOTA, better: "less", value: requests, unit: "a minute" },
  });
}
const pass = await requestsOfPass();
report({
  measured: `a pass over ${UNCERTAIN} creates of unknown outcome`,
  ours: `${pass.length}: ${pass.join(", ")}`,
  peer: `${UNCERTAIN}`,
  ratio: pass.length / UNCERTAIN,
});
