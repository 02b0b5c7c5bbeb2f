import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { all, allEvents, insert, namespace, newRecord } from "../../src/laws/store/harness.ts";
import { storeLaws } from "../../src/laws/store-laws.ts";
import { type TenantStoreUnderTest, tenantStoreLaws } from "../../src/laws/tenant-store-laws.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { twoHandles } from "./two-handles.ts";

let folder: string;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-sqlite-"));
});

afterAll(() => rm(folder, { recursive: true }));

function newPath(): string {
  files += 1;
  return join(folder, `${files}.db`);
}

function make(): Promise<TenantStoreUnderTest> {
  const path = newPath();
  return twoHandles((clock) => sqliteStore(path, { clock }));
}

storeLaws({ describe, it }, "SQLite", make);
tenantStoreLaws({ describe, it }, "SQLite", make);

test("several processes that begin on a new file at once keep every law", { timeout: 30_000 }, async () => {
  const path = newPath();
  const workers = await Promise.all([..."abcdef"].map((name) => work(path, name)));
  const inserted = workers.flatMap((worker) => worker.inserted);
  const refused = workers.flatMap((worker) => worker.refused);
  const claimed = workers.flatMap((worker) => worker.claimed);
  expect(new Set(workers.map((worker) => worker.identity)).size).toBe(1);
  expect(inserted.length).toBe(40);
  expect(refused).toEqual(Array.from({ length: 6 * 15 - 40 }, () => "LIMIT_EXCEEDED"));
  expect(new Set(claimed)).toEqual(new Set(inserted));
  expect(claimed.length).toBe(40);
  const store = sqliteStore(path);
  expect((await all(store)).length).toBe(40);
  expect((await allEvents(store)).length).toBe(40);
  await store.close();
});

interface WorkerReport {
  readonly identity: string;
  readonly inserted: string[];
  readonly refused: string[];
  readonly claimed: string[];
}

async function work(path: string, name: string): Promise<WorkerReport> {
  const program = fileURLToPath(new URL("sqlite-worker.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, path, name, "15"]);
  return JSON.parse(stdout);
}

test("a reopened file has every record, and the machine's time", async () => {
  const path = newPath();
  const record = newRecord({ userId: "u", metadata: { plan: "pro" } });
  const before = sqliteStore(path);
  await insert(before, record);
  const identity = await before.identity();
  await before.close();
  const store = sqliteStore(path);
  expect((await store.get(namespace, record.id))?.record).toEqual(record);
  expect(await store.identity()).toBe(identity);
  expect(Math.abs((await store.now()).getTime() - Date.now())).toBeLessThan(60_000);
  await store.close();
});

test("the file and those beside it are for their owner only", async () => {
  const path = newPath();
  const store = sqliteStore(path);
  await insert(store, newRecord());
  for (const suffix of ["", "-wal", "-shm"]) expect((await stat(path + suffix)).mode & 0o777).toBe(0o600);
  await store.close();
});

test("the store opens and creates no file before its first use", async () => {
  const path = newPath();
  const store = sqliteStore(path);
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  await store.migrate();
  expect((await stat(path)).isFile()).toBe(true);
  await store.close();
});

test("stores of two prefixes share a file and nothing else", async () => {
  const path = newPath();
  const [first, second] = [
    sqliteStore(path, { tablePrefix: "one_" }),
    sqliteStore(path, { tablePrefix: "two_" }),
  ];
  const record = newRecord();
  await insert(first, record);
  expect(await second.get(namespace, record.id)).toBeUndefined();
  expect(await second.identity()).not.toBe(await first.identity());
  await first.close();
  await second.close();
});

test("a store in memory needs no file", async () => {
  const store = sqliteStore(":memory:");
  const record = newRecord();
  await insert(store, record);
  expect(await all(store)).toEqual([record]);
  await store.close();
});

test("a closed store says so, and may be closed again", async () => {
  const store = sqliteStore(newPath());
  await store.close();
  await store.close();
  await expect(store.identity()).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    retryable: false,
    message: "The SQLite store was closed",
  });
});

describe("a file that cannot serve is an error that says what to do", () => {
  const refusal = async (path: string): Promise<unknown> => {
    const store = sqliteStore(path);
    const error: unknown = await insert(store, newRecord()).catch((thrown: unknown) => thrown);
    await store.close();
    expect(error).not.toHaveProperty("cause");
    return error;
  };
  const unavailable = (words: RegExp): object =>
    expect.objectContaining({
      code: "STORE_UNAVAILABLE",
      retryable: false,
      message: expect.stringMatching(words),
    });

  it("in a folder that does not exist", async () => {
    const path = join(folder, "nowhere", "atlas.db");
    expect(await refusal(path)).toEqual(unavailable(/nowhere.atlas\.db" .*create the folder first$/));
  });

  it("a folder", async () => {
    expect(await refusal(folder)).toEqual(unavailable(/cannot be opened: check that/));
  });

  it("no database", async () => {
    const path = newPath();
    await writeFile(
      path,
      "these are notes about a database, and much longer than a header of one".repeat(100),
    );
    expect(await refusal(path)).toEqual(unavailable(/is not an SQLite database: give another path/));
  });

  it("a damaged database", async () => {
    const path = newPath();
    const store = sqliteStore(path);
    for (let index = 0; index < 50; index += 1) await insert(store, newRecord());
    await store.close();
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0xff, 4096));
    expect(await refusal(path)).toEqual(unavailable(/is damaged: restore it from a backup/));
  });

  it("one that only others may write", async () => {
    const open = join(folder, "open");
    await mkdir(open);
    const path = join(open, "atlas.db");
    const store = sqliteStore(path);
    await store.migrate();
    await store.close();
    await chmod(path, 0o444);
    await chmod(open, 0o777);
    await chmod(folder, 0o755);
    expect(await asNobody(() => refusal(path))).toEqual(unavailable(/cannot be written: give this process/));
  });

  it("one that a later version has migrated", async () => {
    const path = newPath();
    const store = sqliteStore(path);
    await store.migrate();
    await store.close();
    const later = new DatabaseSync(path);
    later.exec("insert into atlas_migrations (number, name, applied_at) values (1000, 'from the future', 0)");
    later.close();
    expect(await refusal(path)).toEqual(unavailable(/newer than this version of atlas-compute/));
  });
});

/** Root may write every file, so the test gives up root for a moment. */
async function asNobody<Result>(work: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

test.each([
  ["an empty path", "", {}, /path: got ""/],
  [
    "a prefix that needs quoting",
    "x.db",
    { tablePrefix: 'a"; drop table' },
    /tablePrefix: got .*allowed: up to 31 of/,
  ],
  ["a prefix that is too long", "x.db", { tablePrefix: "a".repeat(32) }, /tablePrefix/],
  ["a URL, whose password stays unsaid", "postgres://ann:hunter2@db/x", {}, /^(?!.*hunter2).*postgresStore/],
  ["a URL of a file", "file:x.db", {}, /without a scheme/],
  ["an unknown option", "x.db", { prefix: "a" }, /prefix: got an unknown key/],
] satisfies [string, string, object, RegExp][])("%s is refused", (_, path, options: object, message) => {
  expect(() => sqliteStore(path, options)).toThrow(
    expect.objectContaining({ code: "VALIDATION", message: expect.stringMatching(message) }),
  );
});

test("indexes serve the frequent queries", async () => {
  const path = newPath();
  await sqliteStore(path).migrate();
  const database = new DatabaseSync(path);
  const plan = (sql: string): unknown =>
    database.prepare(`explain query plan select * from atlas_computes where namespace = 'a' and ${sql}`).get()
      ?.detail;
  const isLive = "status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating')";
  expect(plan("due_at <= 5 order by due_at")).toContain(
    "INDEX atlas_computes_due (namespace=? AND due_at<?)",
  );
  expect(plan(`${isLive} and (+created_at, +id) < (1, 'a') order by +created_at desc, +id desc`)).toContain(
    "INDEX atlas_computes_live (namespace=?)",
  );
  expect(plan("user_id = 'u' order by created_at desc, id desc")).toContain(
    "INDEX atlas_computes_user (namespace=? AND user_id=?)",
  );
  database.close();
});
