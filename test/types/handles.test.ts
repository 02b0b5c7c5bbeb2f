import { expect, expectTypeOf, describe as group, it } from "vitest";
import type { Atlas, ComputeAuth, ComputeList, ComputePage, SpawnRequest } from "../../src/index.ts";
import { type Compute, createAtlas, spawnCompute } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";

const atlas = createAtlas({ providers: [mock()] });
const key: string = "checkout-9";

group("the type of a handle's auth", () => {
  it("has the token where the request says bearer, or nothing", async () => {
    const { auth } = await atlas.spawnCompute({ auth: "bearer" });
    const { auth: byDefault } = await atlas.spawnCompute({});
    const { auth: byUndefined } = await atlas.spawnCompute({ auth: undefined });
    expectTypeOf(auth.token).toEqualTypeOf<string>();
    expectTypeOf(auth.hash).toEqualTypeOf<string>();
    expectTypeOf(auth.header).toEqualTypeOf<string>();
    expectTypeOf(auth.headers.authorization).toEqualTypeOf<string>();
    expectTypeOf(auth.signingSecret).toEqualTypeOf<string | undefined>();
    expectTypeOf(byDefault.token).toEqualTypeOf<string>();
    expectTypeOf(byUndefined.token).toEqualTypeOf<string>();
    expect([auth, byDefault, byUndefined].map(({ token }) => token.length)).toEqual([43, 43, 43]);
  });

  it("has every secret of several schemes", async () => {
    const { auth } = await atlas.spawnCompute({ auth: ["bearer", "signed-url"] });
    expectTypeOf(auth.token).toEqualTypeOf<string>();
    expectTypeOf(auth.signingSecret).toEqualTypeOf<string>();
    const signed = await atlas.spawnCompute({ auth: "signed-url" });
    expectTypeOf(signed.auth.signingSecret).toEqualTypeOf<string>();
    expectTypeOf(signed.auth.token).toEqualTypeOf<string | undefined>();
    expect([typeof auth.token, typeof auth.signingSecret, signed.auth.token]).toEqual([
      "string",
      "string",
      undefined,
    ]);
  });

  it("is undefined where nothing protects the compute", async () => {
    const { auth } = await atlas.spawnCompute({ auth: "none" });
    expectTypeOf(auth).toEqualTypeOf<undefined>();
    expect(auth).toBeUndefined();
  });

  it("has optional secrets with an idempotency key, because a repeated call returns none", async () => {
    const first = await atlas.spawnCompute({ auth: "bearer", idempotencyKey: key });
    const again = await atlas.spawnCompute({ auth: "bearer", idempotencyKey: key });
    const literal = await atlas.spawnCompute({ idempotencyKey: "other" });
    const none = await atlas.spawnCompute({ idempotencyKey: undefined });
    expectTypeOf(first.auth.token).toEqualTypeOf<string | undefined>();
    expectTypeOf(literal.auth.token).toEqualTypeOf<string | undefined>();
    expectTypeOf(none.auth.token).toEqualTypeOf<string>();
    expect([first.auth.token?.length, again.auth.token]).toEqual([43, undefined]);
  });

  it("is open where the schemes are not known before the call", async () => {
    const request: SpawnRequest = {};
    const compute = await atlas.spawnCompute(request);
    expectTypeOf(compute.auth).toEqualTypeOf<ComputeAuth | undefined>();
    const schemes: ("bearer" | "signed-url")[] = ["signed-url"];
    const several = await atlas.spawnCompute({ auth: schemes });
    expectTypeOf(several.auth.token).toEqualTypeOf<string | undefined>();
    const either: "bearer" | "signed-url" = Math.random() < 2 ? "signed-url" : "bearer";
    const one = await atlas.spawnCompute({ auth: [either as "bearer" | "signed-url"] });
    expectTypeOf(one.auth.token).toEqualTypeOf<string | undefined>();
    const optional: { auth?: "none" | undefined } = {};
    const maybe = await atlas.spawnCompute({ ...optional });
    expectTypeOf(maybe.auth?.token).toEqualTypeOf<string | undefined>();
    expect(maybe.auth?.token).toHaveLength(43);
  });

  it("is the same on the default client", () => {
    const spawn = (): Promise<unknown> =>
      spawnCompute({ gpu: "h100" }).then(({ auth }) => {
        expectTypeOf(auth.token).toEqualTypeOf<string>();
        expectTypeOf(auth.headers).toExtend<Record<string, string>>();
      });
    expect(spawn).toBeTypeOf("function");
  });

  it("stays with a handle that moves, and a spawned handle is a Compute", async () => {
    const compute = await atlas.spawnCompute({ auth: "bearer" });
    expectTypeOf(compute).toExtend<Compute>();
    expectTypeOf(await compute.touch.call(compute)).toExtend<Compute>();
    const ready = await compute.refresh();
    expectTypeOf(ready.auth.token).toEqualTypeOf<string>();
    expect(ready).toBe(compute);
  });

  it("fits the headers of a fetch", async () => {
    const { auth } = await atlas.spawnCompute({});
    expectTypeOf(auth.headers).toExtend<NonNullable<RequestInit["headers"]>>();
    expect(new Headers(auth.headers).get("authorization")).toBe(`Bearer ${auth.token}`);
  });
});

group("the types of a client", () => {
  it("make a list a promise that can be iterated", () => {
    expectTypeOf<ComputeList>().toExtend<Promise<ComputePage>>();
    expectTypeOf<ComputeList>().toExtend<AsyncIterable<Compute>>();
    expectTypeOf<ReturnType<Atlas["listComputes"]>>().toEqualTypeOf<ComputeList>();
    expect(atlas.listComputes()).toBeInstanceOf(Promise);
  });
});
