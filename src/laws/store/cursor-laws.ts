/** Laws of cursors: one reader at a time, and no event is passed over. */
import assert from "node:assert/strict";
import { CURSOR_DAYS } from "../../store.ts";
import { allEvents, atOnce, insertAll, type Law, type Laws, namespace, values } from "./harness.ts";

const claim = { namespace, name: "reader", lease: "one", leaseSeconds: 60, sinceSeconds: 3600 };
const move = { namespace, name: "reader", lease: "one", leaseSeconds: 60, attempts: 0 };

export const cursorLaws: Laws = (law) => {
  placeLaws(law);
  boundLaws(law);
};

function placeLaws(law: Law): void {
  law(
    "a new cursor begins behind the events that are older than its time, and keeps its place",
    async (subject) => {
      const { store } = subject;
      await insertAll(store, [{}, {}]);
      await subject.advance(3601);
      await insertAll(store, [{}]);
      const [, second, third] = await allEvents(store);
      assert.equal((await store.claimCursor(claim))?.position, second?.id);
      const position = third?.id ?? "";
      assert.equal(await store.moveCursor({ ...move, position, attempts: 3, pauseSeconds: 0 }), true);
      const again = await store.claimCursor({ ...claim, lease: "two", sinceSeconds: 0 });
      assert.deepEqual([again?.position, again?.attempts, again?.now], [position, 3, await store.now()]);
      assert.equal((await store.claimCursor({ ...claim, namespace: "other" }))?.position, "0");
    },
  );

  law(
    "one claim at a time has a cursor, until its lease or its pause is over, and only it moves the cursor",
    async (subject) => {
      const { store } = subject;
      assert.equal((await store.claimCursor(claim))?.position, "0");
      assert.equal(await store.claimCursor({ ...claim, lease: "two" }), undefined);
      await subject.advance(59);
      assert.equal(await store.moveCursor({ ...move, position: "1" }), true);
      await subject.advance(59);
      assert.equal(await store.claimCursor({ ...claim, lease: "two" }), undefined);
      await subject.advance(1);
      assert.equal((await store.claimCursor({ ...claim, lease: "two" }))?.position, "1");
      assert.equal(await store.moveCursor({ ...move, position: "9" }), false);
      const paused = { ...move, lease: "two", position: "2", pauseSeconds: 30 };
      assert.equal(await store.moveCursor(paused), true);
      assert.equal(await store.moveCursor(paused), false);
      await subject.advance(29);
      assert.equal(await store.claimCursor(claim), undefined);
      await subject.advance(1);
      assert.equal((await store.claimCursor(claim))?.position, "2");
      assert.equal(await store.moveCursor({ ...move, name: "missing", position: "9" }), false);
    },
  );
}

function boundLaws(law: Law): void {
  law("of many claims at once one gets a new cursor, and one a cursor that is free", async (subject) => {
    for (const round of [1, 2]) {
      const results = await atOnce(subject, 40, (store, index) =>
        store.claimCursor({ ...claim, lease: `${round} ${index}` }),
      );
      assert.equal(values(results).filter((cursor) => cursor !== undefined).length, 1);
      assert.equal(values(results).length, 40);
      await subject.advance(60);
    }
  });

  law("a cursor that no claim has had for long goes when another one begins", async (subject) => {
    const { store } = subject;
    await store.claimCursor(claim);
    assert.equal(await store.moveCursor({ ...move, position: "7", pauseSeconds: 0 }), true);
    await subject.advance(CURSOR_DAYS * 86_400 + 1);
    await store.claimCursor({ ...claim, name: "another" });
    assert.equal((await store.claimCursor(claim))?.position, "0");
  });
}
