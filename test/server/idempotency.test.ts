import { expect, test } from "vitest";
import { intercept } from "../support/intercept.ts";
import { ada, bob, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

function spawnWith(plane: PlaneUnderTest, key: string, body: unknown = { plan: "pro" }, user = ada) {
  return plane.call("POST", "/computes", { headers: { ...user, "idempotency-key": key }, body });
}

test("a repeated key gets the same compute with 200, and no token", async () => {
  const plane = planeUnderTest();
  const first = await spawnWith(plane, "k", { a: 1, b: { c: 2, d: 3 } });
  const again = await spawnWith(plane, '"k"', '{ "b": {"d": 3, "c": 2}, "a": 1 }');
  const [{ id, auth }, repeated] = [await jsonOf(first), await jsonOf(again)];
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(auth).toHaveProperty("token");
  expect(repeated.id).toBe(id);
  expect(repeated.auth).not.toHaveProperty("token");
  expect(plane.provider.instances).toHaveLength(1);
});

test("a key with another body is a CONFLICT, and spawns nothing", async () => {
  const plane = planeUnderTest();
  await spawnWith(plane, "k", { plan: "pro" });
  for (const body of [{ plan: "free" }, {}, [], null, undefined]) {
    const headers = { ...ada, "idempotency-key": "k" };
    const answer = await plane.call("POST", "/computes", {
      headers,
      ...(body === undefined ? {} : { body }),
    });
    expect([answer.status, (await jsonOf(answer)).code]).toEqual([409, "CONFLICT"]);
  }
  expect(plane.provider.instances).toHaveLength(1);
});

test("a key counts for one user, and for 24 hours", async () => {
  const plane = planeUnderTest();
  const first = await jsonOf(spawnWith(plane, "k"));
  expect((await spawnWith(plane, "k", { plan: "free" }, bob)).status).toBe(201);
  await plane.clock.advance(86_399);
  expect((await jsonOf(spawnWith(plane, "k"))).id).toBe(first.id);
  await plane.clock.advance(1);
  const later = await spawnWith(plane, "k");
  expect(later.status).toBe(201);
  expect((await jsonOf(later)).id).not.toBe(first.id);
});

test("the application's own key wins", async () => {
  const plane = planeUnderTest({ request: () => ({ gpu: "h100", idempotencyKey: "own" }) });
  const first = await jsonOf(spawnWith(plane, "one", { plan: "pro" }));
  const second = await spawnWith(plane, "two", { plan: "free" });
  expect([second.status, (await jsonOf(second)).id]).toEqual([200, first.id]);
});

test("requests at once under one key spawn one compute", async () => {
  const plane = planeUnderTest();
  const answers = await Promise.all(Array.from({ length: 10 }, () => spawnWith(plane, "k")));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(plane.provider.instances).toHaveLength(1);
});

test.each(["", '""', "a b", "a, b", '"a", "b"', "\u00e9", "x".repeat(256)])(
  "a key of another form is refused before anything is asked: %j",
  async (key) => {
    let asked = 0;
    const plane = planeUnderTest({
      request: () => {
        asked += 1;
        return { gpu: "h100" };
      },
    });
    const answer = await spawnWith(plane, key);
    expect([answer.status, (await jsonOf(answer)).code, asked]).toEqual([400, "VALIDATION", 0]);
  },
);

test.each(["x", "x".repeat(255), "!~", '"quoted"', '"'])(
  "a key of this form is accepted: %j",
  async (key) => {
    const plane = planeUnderTest();
    expect((await spawnWith(plane, key)).status).toBe(201);
  },
);

test.each([500, 8000])(
  "a body that is nested %i times is compared or refused, and is no failure",
  async (depth) => {
    const plane = planeUnderTest();
    const { status } = await spawnWith(plane, "k", `${"[".repeat(depth)}${"]".repeat(depth)}`);
    expect(depth === 500 ? [201] : [201, 400]).toContain(status);
  },
);

test("neither the key nor the body is stored", async () => {
  const kept: unknown[] = [];
  const plane = planeUnderTest({}, (store) =>
    intercept(store, ["remember"], (_, given) => kept.push(...given)),
  );
  expect((await spawnWith(plane, "key-of-ada", { plan: "body-of-ada" })).status).toBe(201);
  expect(kept).toHaveLength(1);
  expect(JSON.stringify(kept)).not.toContain("of-ada");
});
