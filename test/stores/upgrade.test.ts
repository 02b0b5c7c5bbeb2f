import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storeFindings } from "../../src/cli/doctor/store.ts";
import { createAtlas } from "../../src/index.ts";
import { eventOf, newRecord, next } from "../../src/laws/store/harness.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { type ComputeRecord, dayOf, type Store } from "../../src/store.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import type { TenantRecord, TenantStore } from "../../src/tenant-store.ts";
import { oldPostgres, oldSqlite } from "./old-schema.ts";
import { startPostgres } from "./postgres-server.ts";

type Cell = string | number | Date | null;
type OldRow = Readonly<Record<string, Cell>>;

const created = new Date("2026-03-01T10:00:00.123Z");
const later = new Date("2026-03-01T11:00:00.456Z");
const tokens = [
  { hash: "aa".repeat(32), kind: "user", expiresAt: later },
  { hash: "bb".repeat(32), kind: "pod", expiresAt: null },
] as const;
const ports = [{ internal: 8000, protocol: "http", url: "https://pod.example" }] as const;
const credentials = [{ hash: "cc".repeat(32), expiresAt: null }] as const;

const running: OldRow = {
  namespace: "tenant1",
  id: "c1",
  name: "atlas-tenant1-c1",
  version: 7,
  provider: "runpod",
  provider_id: "pod-1",
  status: "running",
  reason: null,
  user_id: "ann's",
  client_id: "tenant1",
  gpu: "h100-sxm",
  gpu_count: 2,
  region: "US-KS-2",
  ports: JSON.stringify(ports),
  auth_schemes: '["bearer"]',
  tokens: JSON.stringify(tokens),
  metadata: '{"plan":"pro"}',
  idempotency_key: "checkout-9",
  request_hash: "f00",
  cost_per_hour: 2.5,
  cost_before: 0.25,
  cost_since: created,
  idle_timeout_seconds: 1800,
  max_lifetime_seconds: 86_400,
  created_at: created,
  updated_at: later,
  last_active_at: later,
  placed_at: created,
  ended_at: null,
  boot_deadline: null,
  idle_deadline: later,
  lifetime_deadline: null,
  check_at: null,
  due_at: later,
  lease: null,
  lease_until: null,
  attempts: 0,
  last_error: null,
  reports: '{"ready":{"ok":true}}',
};

const ended: OldRow = {
  ...running,
  id: "c2",
  name: "atlas-tenant1-c2",
  status: "terminated",
  reason: "idle",
  client_id: null,
  tokens: "[]",
  idempotency_key: null,
  ended_at: later,
  due_at: null,
};

/** Every row of the old database, by table, in the order in which they may be inserted. */
const oldRows: Readonly<Record<string, readonly OldRow[]>> = {
  migrations: [
    { number: 1, name: "computes and their events", applied_at: created },
    { number: 2, name: "clients of a shared control plane", applied_at: created },
  ],
  settings: [{ name: "identity", value: "0c3f1a52-identity-of-old" }],
  computes: [running, ended],
  tokens: tokens.map(({ hash, kind }) => ({ namespace: "tenant1", hash, kind, compute_id: "c1" })),
  events: ["pending", "running"].map((status) => ({
    namespace: "tenant1",
    compute_id: "c1",
    at: created,
    type: "state",
    status,
    reason: null,
    cost_so_far: 0.125,
    data: `{"was":"${status}"}`,
  })),
  clients: ["acme", "beta"].map((name, index) => ({
    namespace: "default",
    id: `tenant${index + 1}`,
    name,
    version: 3,
    credentials: name === "acme" ? JSON.stringify(credentials) : "[]",
    provider_keys: '{"runpod":"enc:v1:sealed"}',
    created_at: created,
    last_used_at: name === "acme" ? later : null,
  })),
  client_credentials: credentials.map(({ hash }) => ({ namespace: "default", hash, client_id: "tenant1" })),
};

function insertAllSql(qualify: (table: string) => string, toTime: (time: Date) => string): string {
  const toSql = (cell: Cell): string => {
    if (cell instanceof Date) return toTime(cell);
    return typeof cell === "string" ? `'${cell.replaceAll("'", "''")}'` : String(cell);
  };
  return Object.entries(oldRows)
    .flatMap(([table, rows]) => rows.map((row) => ({ table, row })))
    .map(({ table, row }) => {
      const columns = Object.keys(row).join(", ");
      return `insert into ${qualify(table)} (${columns}) values (${Object.values(row).map(toSql).join(", ")});`;
    })
    .join("\n");
}

const runningRecord: ComputeRecord = {
  ...newRecord({ id: "c1", namespace: "tenant1" }),
  version: 7,
  provider: "runpod",
  providerId: "pod-1",
  status: "running",
  userId: "ann's",
  tenantId: "tenant1",
  gpu: "h100-sxm",
  gpuCount: 2,
  region: "US-KS-2",
  ports,
  authSchemes: ["bearer"],
  signingKeyId: "",
  tokens,
  metadata: { plan: "pro" },
  idempotencyKey: "checkout-9",
  requestHash: "f00",
  costPerHour: 2.5,
  costBefore: 0.25,
  costSince: created,
  settledAt: later,
  idleTimeoutSeconds: 1800,
  maxLifetimeSeconds: 86_400,
  createdAt: created,
  updatedAt: later,
  lastActiveAt: later,
  placedAt: created,
  idleDeadline: later,
  dueAt: later,
  reports: { ready: { ok: true } },
};

const endedRecord: ComputeRecord = {
  ...runningRecord,
  id: "c2",
  name: "atlas-tenant1-c2",
  status: "terminated",
  reason: "idle",
  tenantId: null,
  tokens: [],
  idempotencyKey: null,
  endedAt: later,
  dueAt: null,
};

const acme: TenantRecord = {
  namespace: "default",
  id: "tenant1",
  name: "acme",
  version: 3,
  credentials,
  providerKeys: { runpod: "enc:v1:sealed" },
  createdAt: created,
  lastUsedAt: later,
};

const beta: TenantRecord = { ...acme, id: "tenant2", name: "beta", credentials: [], lastUsedAt: null };

const clock = { now: () => created, sleep: async () => undefined };

/** A store over a database in which the old version left its rows. */
interface Upgraded {
  readonly store: Store & TenantStore;
  close(): Promise<void>;
}

async function upgradedSqlite(): Promise<Upgraded> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-upgrade-"));
  const path = join(folder, "atlas.db");
  const old = new DatabaseSync(path);
  old.exec(oldSqlite);
  old.exec(
    insertAllSql(
      (table) => `"atlas_${table}"`,
      (time) => String(time.getTime()),
    ),
  );
  old.close();
  const store = sqliteStore(path, { clock });
  return { store, close: () => store.close().then(() => rm(folder, { recursive: true })) };
}

async function upgradedPostgres(): Promise<Upgraded> {
  const server = await startPostgres();
  const pool = server.pool();
  await pool.query(oldPostgres);
  await pool.query(
    insertAllSql(
      (table) => `"old"."atlas_${table}"`,
      (time) => `timestamptz '${time.toISOString()}'`,
    ),
  );
  const store = postgresStore(pool, { schema: "old", clock });
  await store.migrate();
  return { store, close: () => server.stop() };
}

/** The findings of doctor about the schema of a store. */
async function schemaFindings(store: Store): Promise<readonly unknown[]> {
  const findings = await storeFindings(createAtlas({ providers: [mock()], store }).parts());
  return findings.filter(({ message }) => message.includes("migrations"));
}

it("doctor counts the migrations of a PostgreSQL database of the version before, of this one and of a later one", async () => {
  const server = await startPostgres();
  const pool = server.pool();
  await pool.query(oldPostgres);
  const store = postgresStore(pool, { schema: "old" });
  const insert = "insert into old.atlas_migrations (number, name) values";
  await pool.query(`${insert} (1, 'computes and their events'), (2, 'clients of a shared control plane')`);
  const known = (await store.migrations?.())?.known;
  expect(await schemaFindings(store)).toMatchObject([
    {
      level: "problem",
      message: `2 of ${known} migrations are applied`,
      advice: expect.stringContaining("migrate"),
    },
  ]);
  await store.migrate();
  expect(await schemaFindings(store)).toMatchObject([
    { level: "ok", message: `${known} of ${known} migrations are applied` },
  ]);
  await pool.query(`${insert} (999, 'of a later version')`);
  expect(await schemaFindings(store)).toMatchObject([
    {
      level: "problem",
      message: expect.stringContaining("later version"),
      advice: expect.stringContaining("install"),
    },
  ]);
  await server.stop();
}, 60_000);

describe.each([
  ["SQLite", upgradedSqlite],
  ["PostgreSQL", upgradedPostgres],
] as const)("a database of the version before, in %s", (_, open) => {
  let opened: Upgraded;
  let store: Upgraded["store"];
  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  }, 60_000);
  afterAll(() => opened.close());

  it("has had every migration that this version knows", async () => {
    // On SQLite the first call applies them.
    await store.identity();
    const { applied, known } = (await store.migrations?.()) ?? {};
    expect(applied).toBe(known);
    expect(known).toBeGreaterThan(oldRows.migrations?.length ?? 0);
  });

  it("keeps its identity, so that its pods stay its own", async () => {
    expect(await store.identity()).toBe("0c3f1a52-identity-of-old");
  });

  it("keeps every compute, and calls its client a tenant", async () => {
    const listed = await store.list({ namespace: "tenant1" }, { limit: 10 });
    expect(listed).toEqual([endedRecord, runningRecord]);
    const ofTenant = await store.list({ namespace: "tenant1", tenantId: "tenant1" }, { limit: 10 });
    expect(ofTenant).toEqual([runningRecord]);
    expect((await store.getByIdempotencyKey("tenant1", "checkout-9"))?.record).toEqual(runningRecord);
  });

  it("keeps every token", async () => {
    for (const { hash, kind } of tokens) {
      expect((await store.getByTokenHash("tenant1", hash, kind))?.record).toEqual(runningRecord);
      expect(await store.namespaceOfToken(hash)).toBe("tenant1");
    }
  });

  it("keeps every event", async () => {
    const event = { computeId: "c1", at: created, type: "state", reason: null, costSoFar: 0.125 };
    expect(await store.events({ namespace: "tenant1" }, 10)).toEqual([
      { ...event, id: "1", status: "pending", data: { was: "pending" } },
      { ...event, id: "2", status: "running", data: { was: "running" } },
    ]);
  });

  it("keeps every cost, on the day of the record's last change", async () => {
    const sums = await store.costs({
      namespace: "tenant1",
      by: "user",
      from: dayOf(later),
      to: dayOf(later),
    });
    expect(sums).toMatchObject([{ key: "ann's", cost: 0.5, computes: 2 }]);
  });

  it("keeps every tenant, with its keys and its credentials", async () => {
    expect(await store.listTenants("default")).toEqual([acme, beta]);
    expect((await store.getTenantByHash("default", credentials[0].hash))?.tenant).toEqual(acme);
  });

  it("is written to like a new one", async () => {
    const stopped = next(runningRecord, { status: "stopped", tokens: [] });
    expect(await store.replace(stopped, eventOf(stopped))).toBe(true);
    expect(await store.getByTokenHash("tenant1", tokens[0].hash, "user")).toBeUndefined();
    expect((await store.events({ namespace: "tenant1", after: "2" }, 10)).length).toBe(1);
    const rotated = { ...acme, version: 4, credentials: [{ hash: "dd".repeat(32), expiresAt: null }] };
    expect(await store.replaceTenant(rotated)).toBe(true);
    expect(await store.getTenantByHash("default", credentials[0].hash)).toBeUndefined();
    expect((await store.getTenantByHash("default", "dd".repeat(32)))?.tenant).toEqual(rotated);
    expect(await store.insertTenant({ ...beta, id: "tenant3" })).toBe(false);
    expect(await store.insertTenant({ ...beta, id: "tenant3", name: "gamma" })).toBe(true);
  });
});
