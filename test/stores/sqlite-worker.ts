/** One of several processes on one SQLite file: inserts and claims as fast as it can, and prints its results. */
import { isAtlasError } from "../../src/errors.ts";
import { claim, insert, newRecord } from "../../src/laws/store/harness.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";

const [path = "", worker = "", count = ""] = process.argv.slice(2);
const store = sqliteStore(path);
const identity = await store.identity();
const refused: string[] = [];
const inserted: string[] = [];
for (let index = 0; index < Number(count); index += 1) {
  const dueAt = new Date(0);
  const record = newRecord({
    id: `${worker}-${index}`,
    userId: "u",
    dueAt,
    idempotencyKey: `${worker}-${index}`,
  });
  try {
    await insert(store, record, { computesPerUser: 40 });
    inserted.push(record.id);
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    refused.push(error.code);
  }
}
const claimed: string[] = [];
for (let lease = 0; lease < 10; lease += 1) {
  for (const { record } of await claim(store, `${worker}-${lease}`, 3)) claimed.push(record.id);
}
await store.close();
process.stdout.write(JSON.stringify({ identity, inserted, refused, claimed }));
