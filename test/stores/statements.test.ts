import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Compute } from "../../src/compute.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import { postgresStore, type Queryable } from "../../src/stores/postgres/index.ts";
import { bearer } from "../server/plane.ts";
import { type Scene, scene } from "../support/scene.ts";

const database = await PGlite.create();
const clock = manualClock();
/** The statements since the last test began. */
const statements: string[] = [];
const recording: Queryable = {
  query: (text, values) => {
    statements.push(text);
    return database.query(text, values);
  },
};
const store = postgresStore(recording, { clock });
let stage: Scene;
let compute: Compute;
let podToken = "";

beforeAll(async () => {
  await store.migrate();
  stage = scene({ clock, store, controlUrl: "https://app.example/api/atlas" });
  compute = await stage.settle(stage.atlas.getOrSpawn({ userId: "ada", slot: "default", ports: [8000] }));
  await clock.advance(60);
  await stage.settle(compute.waitUntilReady());
  podToken = stage.provider.instances[0]?.env.ATLAS_POD_TOKEN ?? "";
});
afterAll(() => database.close());
beforeEach(async () => {
  await clock.advance(120);
  statements.length = 0;
});

describe("the statements of the calls that come most often", () => {
  it("finds the compute of a slot with one", async () => {
    const found = await stage.settle(stage.atlas.getOrSpawn({ userId: "ada", slot: "default" }));
    expect(found).toMatchObject({ id: compute.id, isNew: false, status: "running" });
    expect(statements).toEqual([expect.stringContaining("slot =")]);
  });

  it("touches with two: one reads, one writes", async () => {
    await stage.settle(stage.atlas.touch(compute.id));
    expect(statements).toHaveLength(2);
    const kept = await store.get("default", compute.id);
    expect(kept?.record.lastActiveAt).toEqual(clock.now());
  });

  it("takes a heartbeat with two, the check of its credential among them", async () => {
    const response = await heartbeat(["requests"]);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ computeId: compute.id });
    expect(statements).toHaveLength(2);
    const kept = await store.get("default", compute.id);
    expect(kept?.record.lastActiveAt).toEqual(clock.now());
  });

  it("answers a pod's question about tokens with two", async () => {
    expect((await heartbeat([])).status).toBe(200);
    expect(statements).toHaveLength(2);
  });

  it("takes a heartbeat that another writer overtakes, with another try", async () => {
    let isFirst = true;
    const overtaken: Queryable = {
      query: async (text, values) => {
        if (isFirst && text.includes("atlas_change")) {
          isFirst = false;
          await stage.atlas.touch(compute.id);
        }
        return database.query(text, values);
      },
    };
    const rival = scene({ clock, store: postgresStore(overtaken, { clock }) });
    expect((await heartbeat(["requests"], rival)).status).toBe(200);
    const kept = await store.get("default", compute.id);
    expect(kept?.record.reports).toMatchObject({ heartbeat: { signs: ["requests"] } });
  });
});

/** Sends what the guard of the pod sends. */
async function heartbeat(signs: readonly string[], { atlas }: Scene = stage): Promise<Response> {
  const handler = createControlPlane({
    ...{ atlas, clock, authorize: () => null, request: () => ({}), basePath: "/api/atlas" },
  });
  const body = JSON.stringify({ signs });
  const headers = { ...bearer(podToken), "content-type": "application/json" };
  const url = "https://app.example/api/atlas/pod/heartbeat";
  return stage.settle(handler(new Request(url, { method: "POST", body, headers })));
}
