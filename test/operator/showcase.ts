/** The page of an ordinary night: computes in many states on three providers, a pod that reports, and an orphan. */
import type { Compute } from "../../src/compute.ts";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { createOperatorPage, type OperatorPage } from "../../src/server/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";

/** The page, and the parts that a test changes. */
export interface Showcase {
  readonly atlas: Atlas;
  readonly page: OperatorPage;
  readonly clock: ManualClock;
  /** A running compute with reports, log lines and candidates that refused it. */
  readonly busy: Compute;
}

const USERS = ["ann@studio.example", "bob", "carla", "dmitri", "user_42", "render-farm", "erin", "frank"];
const GPUS = ["h100-sxm", "l4", "a100-sxm-80gb", "rtx-4090", undefined] as const;
const OFFERS = {
  runpod: ["h100-sxm", "h100-nvl"],
  fly: ["l4", "a100-sxm-80gb"],
  docker: ["rtx-4090"],
} as const;

/** Makes the page. Every visitor is an operator with the role `act`, or `view` with the cookie `role=view`. */
export async function showcase(): Promise<Showcase> {
  const clock = manualClock();
  const providers = Object.entries(OFFERS).map(([name, ids], index) =>
    mock({ clock, name, costPerHour: [2.99, 1.25, 0.4][index], gpus: ids.map((id) => ({ id })) }),
  );
  const store = sqliteStore(":memory:", { clock });
  const atlas = createAtlas({ providers, clock, store, deployment: "test" });
  for (let index = 0; index < 58; index += 1) await oneCompute(atlas, clock, index);
  const busy = await busyCompute(atlas, clock, providers);
  providers[1]?.add({ name: `atlas-default-${"orphan".padEnd(20, "0")}`, owner: "another-store" });
  const page = createOperatorPage({
    ...{ atlas, clock, basePath: "/operator" },
    authorize: ({ headers }) => ({
      operator: "grace",
      role: headers.get("cookie")?.includes("role=view") ? "view" : "act",
    }),
  });
  return { atlas, page, clock, busy };
}

async function oneCompute(atlas: Atlas, clock: ManualClock, index: number): Promise<void> {
  const gpu = GPUS[index % GPUS.length];
  const { id } = await clock.settle(
    atlas.spawnCompute({
      ...(index % 9 !== 8 && { userId: USERS[index % USERS.length] ?? "", slot: `job-${index}` }),
      ...(gpu !== undefined && { gpu }),
      ports: [8000],
      idleTimeoutSeconds: 3600 + index * 60,
      maxLifetimeSeconds: 28_800,
    }),
  );
  if (index % 6 !== 5) await clock.settle(atlas.recordReport(id, "status", { status: "ready" }));
  if (index % 12 === 10) await clock.settle(atlas.stop(id));
  if (index % 13 === 12) await clock.settle(atlas.terminate(id));
  await clock.advance(37);
}

async function busyCompute(
  atlas: Atlas,
  clock: ManualClock,
  providers: readonly MockProvider[],
): Promise<Compute> {
  const [runpod] = providers;
  runpod?.script("create", "capacity");
  const busy = await clock.settle(
    atlas.spawnCompute({
      ...{
        userId: "ann@studio.example",
        slot: "notebook",
        gpu: ["h100-sxm", "h100-nvl"],
        gpuCount: 2,
        ports: [8000],
      },
      maxExtendedLifetimeSeconds: 172_800,
      metadata: { team: "vision", image: "trainer:7" },
    }),
  );
  await clock.settle(atlas.recordReport(busy.id, "status", { status: "ready" }));
  for (let minute = 0; minute < 40; minute += 1) {
    await atlas.recordReport(busy.id, "gpu-health", { gpus: [gpu(0, minute), gpu(1, minute + 9)] });
    runpod?.log(
      busy.name,
      `step ${minute * 50}  loss ${(2.4 / (1 + minute / 8)).toFixed(4)}  12.3 samples/s`,
    );
    await clock.advance(20);
  }
  await atlas.recordReport(busy.id, "metrics", {
    metrics: { "queue.length": 3, "samples.per_second": 12.3 },
  });
  return busy.refresh();
}

function gpu(index: number, minute: number): object {
  const wave = Math.sin(minute / 3);
  return {
    ...{ index, name: "NVIDIA H100", memoryTotalMb: 81_559 },
    healthy: index === 0 || minute < 40,
    ...(index === 1 && minute >= 40 && { reason: "12 uncorrectable ECC errors" }),
    utilizationPercent: Math.round(72 + 24 * wave),
    memoryUsedMb: Math.round(50_000 + 600 * minute),
    temperatureCelsius: Math.round(64 + 9 * wave),
  };
}
