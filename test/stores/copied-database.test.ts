import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { type PostgresStore, postgresStore } from "../../src/stores/postgres/index.ts";
import { runCli } from "../cli/run-cli.ts";
import { failureOf } from "../support/failure-of.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop());

const DAY = 86_400;
let copies = 0;

interface Place {
  readonly store: PostgresStore;
  readonly atlas: Atlas;
  readonly url: string;
}

/** Production with one pod that is long past its idle time, and what its database becomes. */
interface Scene {
  readonly clock: ManualClock;
  readonly provider: MockProvider;
  readonly production: Place;
  readonly computeId: string;
  /** The database of a copy from the template. */
  copy(deployment?: string): Promise<Place>;
  alive(): number;
}

async function productionWithOnePod(): Promise<Scene> {
  copies += 1;
  const admin = server.pool();
  const clock = manualClock();
  const provider = mock({ clock });
  const prod = `prod${copies}`;
  await admin.query(`create database ${prod}`);
  const at = (database: string, deployment: string): Place => {
    const url = server.connectionString.replace(/postgres$/, database);
    const store = postgresStore(server.pool({ connectionString: url, idleTimeoutMillis: 10 }), { clock });
    return {
      store,
      url,
      atlas: createAtlas({ providers: [provider], fetch: provider.fetch, store, clock, deployment }),
    };
  };
  const production = at(prod, "production");
  await production.store.migrate();
  const spawned = await clock.settle(production.atlas.spawnCompute({ gpu: "h100", idleTimeoutSeconds: 600 }));
  return {
    ...{ clock, provider, production, computeId: spawned.id },
    copy: async (deployment = "production") => {
      await clock.settle(
        until(async () => {
          const rows = await admin.query("select from pg_stat_activity where datname = $1", [prod]);
          return rows.rowCount === 0;
        }),
      );
      await admin.query(`create database preview${copies} template ${prod}`);
      return at(`preview${copies}`, deployment);
    },
    alive: () => provider.instances.filter(({ status }) => status !== "terminated").length,
  };
}

/** Tries for two seconds of the machine's time. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not become true");
}

describe("a database that was copied from a template", { timeout: 60_000 }, () => {
  it("ends no pod of the original: one reap on the copy with the same name, key and namespace touches nothing", async () => {
    const { clock, copy, provider, alive, computeId } = await productionWithOnePod();
    const preview = await copy();
    await clock.advance(2 * DAY);
    const before = provider.calls.length;
    const error = await clock.settle(failureOf(preview.atlas.reap()));
    expect(error).toMatchObject({ code: "CONFLICT", retryable: false });
    expect(error.message).toMatch(/"prod\d+".*"preview\d+".*adopt --copy/s);
    expect(provider.calls.slice(before)).toEqual([]);
    for (const call of [
      () => preview.atlas.terminate(computeId),
      () => preview.atlas.touch(computeId),
      () => preview.atlas.rotateToken(computeId),
      () => preview.atlas.stop(computeId),
      () => preview.atlas.spawnCompute({}),
      () => preview.atlas.requireOwnership(),
    ])
      expect(await clock.settle(failureOf(call()))).toMatchObject({ code: "CONFLICT" });
    expect(alive()).toBe(1);
    expect(await preview.atlas.getCompute(computeId)).toMatchObject({ id: computeId });
    expect(await preview.atlas.listComputes()).toMatchObject({ computes: [{ id: computeId }] });
  });

  it("still lets the original end its pod", async () => {
    const { clock, copy, production, alive } = await productionWithOnePod();
    await copy();
    for (let pass = 0; pass < 3; pass += 1) {
      await clock.advance(DAY);
      await clock.settle(production.atlas.reap());
    }
    expect(alive()).toBe(0);
  });

  it("works for itself after adopt --copy, without a call to the provider, and leaves the original's pods alone", async () => {
    const { clock, copy, provider, alive, computeId } = await productionWithOnePod();
    const preview = await copy("preview");
    const before = provider.calls.length;
    const env = { ATLAS_DATABASE: preview.url, ATLAS_DEPLOYMENT: "preview" };
    const adopted = await runCli(["adopt", "--copy"], { env });
    expect(adopted).toMatchObject({ code: 0, stderr: expect.stringContaining("1 live record ended") });
    expect(provider.calls.slice(before)).toEqual([]);
    expect(await preview.atlas.getCompute(computeId)).toMatchObject({
      status: "terminated",
      reason: "abandoned",
    });
    const own = await clock.settle(preview.atlas.spawnCompute({}));
    await clock.advance(2 * DAY);
    for (let pass = 0; pass < 3; pass += 1) {
      await clock.settle(preview.atlas.reap());
      await clock.advance(600);
    }
    expect((await preview.atlas.getCompute(own.id)).status).toBe("terminated");
    expect(alive()).toBe(1);
  });

  it("continues after adopt --moved, where the original is gone", async () => {
    const { clock, copy, alive } = await productionWithOnePod();
    const moved = await copy("production");
    const env = { ATLAS_DATABASE: moved.url, ATLAS_DEPLOYMENT: "production" };
    expect(await runCli(["adopt", "--moved"], { env })).toMatchObject({ code: 0 });
    for (let pass = 0; pass < 3; pass += 1) {
      await clock.advance(DAY);
      await clock.settle(moved.atlas.reap());
    }
    expect(alive()).toBe(0);
  });
});

describe("atlas-compute adopt and migrate", { timeout: 60_000 }, () => {
  it("say what they need: what happened to the store, and which store", async () => {
    const { production } = await productionWithOnePod();
    const env = { ATLAS_DATABASE: production.url };
    expect(await runCli(["adopt"], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--moved or --copy"),
    });
    expect(await runCli(["adopt", "--moved", "--copy"], { env })).toMatchObject({ code: 2 });
    expect(await runCli(["migrate"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("ATLAS_DATABASE"),
    });
    expect(await runCli(["migrate"], { env })).toMatchObject({
      code: 0,
      stderr: "The database is up to date.\n",
    });
  });
});
