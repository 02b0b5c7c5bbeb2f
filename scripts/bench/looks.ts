/** The requests of one minute at a fake RunPod, on a clock that leaps: with 1, 10 and 100 waiters, and a pass over 20 creates of unknown outcome. */
import { createAtlas } from "../../src/index.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { loadLifecycle } from "../../src/load-lifecycle.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { type FakeRunpod, fakeRunpod } from "../../test/fakes/runpod.ts";

const WAITERS: readonly number[] = [1, 10, 100];
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
console.log("| at RunPod's fake | requests |\n|---|---|");
for (const waiters of WAITERS)
  console.log(`| ${waiters} waiting, in one minute | ${await requestsOfWaiters(waiters)} |`);
console.log(
  `| a pass over ${UNCERTAIN} creates of unknown outcome | ${(await requestsOfPass()).join(", ")} |`,
);
