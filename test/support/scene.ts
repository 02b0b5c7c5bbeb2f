/** A client on a mock provider, with a clock that only the test moves. */

import type { Compute } from "../../src/compute.ts";
import type { AtlasError } from "../../src/errors.ts";
import { type Atlas, type AtlasOptions, createAtlas, memoryStore } from "../../src/index.ts";
import type { ReapOptions, ReapReport } from "../../src/lifecycle/reap/reap.ts";
import type { SpawnOptions } from "../../src/lifecycle/spawn/spawn.ts";
import {
  type ManualClock,
  type MockInstance,
  type MockOptions,
  type MockProvider,
  manualClock,
  mock,
} from "../../src/providers/mock/index.ts";
import type { SpawnRequest } from "../../src/request.ts";
import type { ComputeEvent, ComputeRecord, ComputeStatus, Store } from "../../src/store.ts";
import { failureOf } from "./failure-of.ts";

export { failureOf } from "./failure-of.ts";

/** The parts of a scene. A test awaits every promise through `settle`, which lets time pass as it is slept. */
export interface Scene {
  readonly clock: ManualClock;
  readonly provider: MockProvider;
  readonly store: Store;
  readonly atlas: Atlas;
  settle<Result>(promise: PromiseLike<Result>): Promise<Result>;
  spawn(request?: SpawnRequest, options?: SpawnOptions): Promise<Compute>;
  reap(options?: ReapOptions): Promise<ReapReport>;
  /** The error that a promise is rejected with. */
  failure(promise: PromiseLike<unknown>): Promise<AtlasError>;
  record(id: string): Promise<ComputeRecord>;
  records(): Promise<readonly ComputeRecord[]>;
  /** The states that a compute went through, in order. */
  states(id: string): Promise<readonly ComputeStatus[]>;
  events(id: string): Promise<readonly ComputeEvent[]>;
  /** The instances that exist now. */
  alive(): readonly MockInstance[];
  /** The number of calls of this operation. */
  count(operation: MockProvider["calls"][number]["operation"]): number;
}

/** Options of a scene. A part that is left out is the usual one. */
export interface SceneOptions extends Omit<Partial<AtlasOptions>, "clock"> {
  readonly clock?: ManualClock;
  readonly mock?: Omit<MockOptions, "clock">;
  /** Stands between the client and its store. */
  readonly through?: (store: Store) => Store;
}

/** Sets a scene. */
export function scene({
  mock: mockOptions,
  through,
  clock = manualClock(),
  ...options
}: SceneOptions = {}): Scene {
  const provider = mock({ clock, ...mockOptions });
  const kept = options.store ?? memoryStore({ clock });
  const store = through?.(kept) ?? kept;
  const atlas = createAtlas({ providers: [provider], fetch: provider.fetch, ...options, clock, store });
  return sceneOn({ clock, provider, store: kept, atlas });
}

/** A scene on parts that exist already. */
export function sceneOn(parts: Pick<Scene, "clock" | "provider" | "store" | "atlas">): Scene {
  const { clock, provider, store, atlas } = parts;
  const settle: Scene["settle"] = (promise) => clock.settle(promise);
  const events = (id: string): Promise<readonly ComputeEvent[]> => eventsOf(store, id);
  return {
    ...parts,
    settle,
    spawn: (request = {}, spawnOptions) => settle(atlas.spawnCompute(request, spawnOptions)),
    reap: (reapOptions) => settle(atlas.reap(reapOptions)),
    failure: (promise) => settle(failureOf(promise)),
    record: (id) => recordOf(store, id),
    records: () => recordsOf(store),
    events,
    states: async (id) =>
      (await events(id)).filter(({ type }) => type === "state").map(({ status }) => status),
    alive: () => provider.instances.filter(({ status }) => status !== "terminated"),
    count: (operation) => provider.calls.filter((call) => call.operation === operation).length,
  };
}

/** The record of a compute in the default namespace. */
export async function recordOf(store: Store, id: string): Promise<ComputeRecord> {
  const snapshot = await store.get("default", id);
  if (snapshot === undefined) throw new Error(`there is no record ${id}`);
  return snapshot.record;
}

/** Every record of the default namespace. */
export async function recordsOf(store: Store): Promise<readonly ComputeRecord[]> {
  return store.list({ namespace: "default" }, { limit: 100_000 });
}

/** Every event of the default namespace, or of one compute. */
export async function eventsOf(store: Store, computeId?: string): Promise<readonly ComputeEvent[]> {
  return store.events({ namespace: "default", ...(computeId && { computeId }) }, 100_000);
}
