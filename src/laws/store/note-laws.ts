/** Laws of notes: the first value under a name stays until it expires, with any number of callers at once. */
import assert from "node:assert/strict";
import { MAX_SWEPT_NOTES, type Store } from "../../store.ts";
import { atOnce, type Laws, namespace } from "./harness.ts";

const note = { namespace, name: "n", value: "first", seconds: 60 };

export const noteLaws: Laws = (law) => {
  law("the first value under a name stays until it expires, and is not prolonged", async (subject) => {
    const { store } = subject;
    assert.equal(await store.remember(note), "first");
    await subject.advance(59);
    assert.equal(await store.remember({ ...note, value: "second", seconds: 600 }), "first");
    await subject.advance(1);
    assert.equal(await store.remember({ ...note, value: "third" }), "third");
    await subject.advance(59);
    assert.equal(await store.remember({ ...note, value: "fourth" }), "third");
  });

  law("equal names of two namespaces are two notes", async ({ store }) => {
    assert.equal(await store.remember(note), "first");
    assert.equal(await store.remember({ ...note, namespace: "other", value: "apart" }), "apart");
    assert.equal(await store.remember({ ...note, name: "m", value: "beside" }), "beside");
    assert.equal(await store.remember({ ...note, value: "late" }), "first");
  });

  law("of many callers at once all get one value", async (subject) => {
    const values = await atOnce(subject, 40, (store, index) =>
      store.remember({ ...note, value: `v${index}` }),
    );
    const kept = await subject.store.remember({ ...note, value: "late" });
    assert.deepEqual(
      values,
      Array.from({ length: 40 }, () => ({ status: "fulfilled", value: kept })),
    );
  });

  law("a name whose note has expired is free, however many others have expired", async (subject) => {
    const { store } = subject;
    await rememberAll(store, MAX_SWEPT_NOTES + 20, 10);
    await store.remember({ ...note, seconds: 30 });
    await subject.advance(30);
    assert.equal(await store.remember({ ...note, value: "second" }), "second");
    assert.equal(await store.remember({ ...note, value: "third" }), "second");
    assert.equal(await store.remember({ ...note, name: "0", value: "again" }), "again");
  });
};

async function rememberAll(store: Store, count: number, seconds: number): Promise<void> {
  for (let index = 0; index < count; index += 1)
    await store.remember({ ...note, name: String(index), seconds });
}
