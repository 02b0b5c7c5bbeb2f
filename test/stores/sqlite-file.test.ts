import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { all, insert, insertAll, newRecord } from "../../src/laws/store/harness.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { failureOf } from "../support/failure-of.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-sqlite-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("waits for the writer of a file without a write-ahead log, instead of failing at once", async () => {
  const path = join(folder, "rollback.db");
  const writer = new DatabaseSync(path);
  writer.exec(
    "pragma journal_mode = delete; create table other (x); begin immediate; insert into other values (1)",
  );
  const store = sqliteStore(path);
  const opening = store.identity();
  setTimeout(() => writer.exec("commit"), 300);
  expect(await opening).toMatch(/^[0-9a-f-]{36}$/);
  writer.close();
  await store.close();
});

it("notices that its file was removed, and goes on when it is back", async () => {
  const path = join(folder, "removed.db");
  const store = sqliteStore(path);
  const [record] = await insertAll(store, [{}]);
  await rename(path, `${path}.away`);
  for (const call of [() => insert(store, newRecord()), () => all(store), () => store.identity()])
    expect(await failureOf(call())).toMatchObject({
      ...{ code: "STORE_UNAVAILABLE", retryable: false, message: expect.stringContaining("was removed") },
    });
  await rename(`${path}.away`, path);
  expect(await all(store)).toEqual([record]);
  await store.close();
});

it("notices that its file was replaced by another one", async () => {
  const path = join(folder, "replaced.db");
  const store = sqliteStore(path);
  await insertAll(store, [{}]);
  await rename(path, `${path}.away`);
  await writeFile(path, "");
  expect(await failureOf(all(store))).toMatchObject({ message: expect.stringContaining("replaced") });
  await store.close();
});
