import { describe, expect, test } from "vitest";
import { hashToken, verifySignedUrl } from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, type SpawnRequest } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import { ada, bob, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

function spawnBy(plane: PlaneUnderTest, headers: Record<string, string>, body?: unknown): Promise<Response> {
  return plane.call("POST", "/computes", { headers, ...(body === undefined ? {} : { body }) });
}

/** A control plane with an application that returns this spawn request. */
function planeAsking(request: unknown): PlaneUnderTest {
  return planeUnderTest({ request: () => request as SpawnRequest });
}

describe("spawning", () => {
  test("returns the token once, beside the JSON of the compute", async () => {
    const plane = planeUnderTest();
    const response = await spawnBy(plane, ada, { wish: "a big one" });
    const { auth, ...compute } = await jsonOf(response);
    const stored = await plane.atlas.getCompute(String(compute.id));
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`computes/${stored.id}`);
    expect({ ...compute, auth: stored.toJSON().auth }).toEqual(JSON.parse(JSON.stringify(stored.snapshot())));
    const env = plane.provider.instances[0]?.env;
    expect(auth).toEqual({
      schemes: ["bearer", "signed-url", "cookie"],
      token: env?.ATLAS_PRESHARED_KEY,
      hash: hashToken(env?.ATLAS_PRESHARED_KEY ?? ""),
    });
    const shown = await (await plane.call("GET", `/computes/${stored.id}`, { headers: ada })).text();
    expect(shown).not.toContain(env?.ATLAS_PRESHARED_KEY);
    expect(shown).not.toContain(env?.ATLAS_SIGNING_SECRET);
  });

  test("calls the application with its user and the browser's input, or none", async () => {
    const asked: unknown[] = [];
    const plane = planeUnderTest({
      request: (user, input) => {
        asked.push([user, input]);
        return {};
      },
    });
    await spawnBy(plane, ada, { plan: "pro", userId: "bob" });
    await spawnBy(plane, bob);
    expect(asked).toEqual([
      [
        { userId: "ada", gpu: "h100" },
        { plan: "pro", userId: "bob" },
      ],
      [{ userId: "bob", gpu: "l4" }, undefined],
    ]);
  });

  test("is for the signed-in user, whatever the application's request says", async () => {
    const plane = planeAsking({ userId: "bob" });
    expect(await jsonOf(spawnBy(plane, ada))).toMatchObject({ userId: "ada" });
  });

  test("of an unprotected compute returns no secrets", async () => {
    const plane = planeAsking({ auth: "none", idempotencyKey: "one" });
    const first = await spawnBy(plane, ada);
    const again = await spawnBy(plane, ada);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(await jsonOf(first)).not.toHaveProperty("auth");
  });

  test.each([
    [
      "a refusal of the application's",
      new AtlasError("FORBIDDEN", "your plan has no GPUs"),
      403,
      "FORBIDDEN",
    ],
    ["an error of the application's", new Error("secret-of-the-app"), 503, "UNAVAILABLE"],
  ])("passes on %s", async (_name, error, status, code) => {
    const plane = planeUnderTest({
      request: () => {
        throw error;
      },
    });
    const response = await spawnBy(plane, ada);
    const problem = await jsonOf(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(JSON.stringify(problem)).not.toContain("secret-of-the-app");
    expect(plane.provider.instances).toEqual([]);
  });

  test.each([undefined, null, "h100", 7])(
    "spawns nothing when the application answers %s",
    async (request) => {
      const plane = planeAsking(request);
      expect((await spawnBy(plane, ada)).status).toBe(503);
      expect(plane.provider.instances).toEqual([]);
    },
  );
});

describe("an idempotencyKey", () => {
  test("returns the same compute again, with 200 and without its token", async () => {
    const plane = planeAsking({ idempotencyKey: "checkout-9" });
    const [first, again] = [await spawnBy(plane, ada), await spawnBy(plane, ada)];
    const [{ auth, ...compute }, repeated] = [await jsonOf(first), await jsonOf(again)];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(repeated).toMatchObject({ id: compute.id });
    const { schemes, hash } = auth as Record<string, unknown>;
    expect(repeated.auth).toEqual({ schemes, hash });
    expect(plane.provider.instances).toHaveLength(1);
  });

  test("counts for one user only: neither user gets, or learns of, the other's compute", async () => {
    const plane = planeAsking({ idempotencyKey: "checkout-9" });
    const [first, other] = [await spawnBy(plane, ada), await spawnBy(plane, bob)];
    expect([first.status, other.status]).toEqual([201, 201]);
    expect((await jsonOf(other)).id).not.toBe((await jsonOf(first)).id);
  });

  test("cannot be chosen to collide with another user's", async () => {
    const sessions = new Map([
      ["a", { userId: "a", key: 'b","c' }],
      ["a,b", { userId: 'a","b', key: "c" }],
    ]);
    const { atlas } = planeUnderTest();
    const handler = createControlPlane({
      atlas,
      authorize: ({ headers }) => sessions.get(headers.get("cookie") ?? ""),
      request: ({ key }) => ({ idempotencyKey: key }),
    });
    const call = (cookie: string): Promise<Response> =>
      handler(
        new Request("https://app.example/computes", {
          method: "POST",
          headers: { cookie, origin: "https://app.example" },
        }),
      );
    expect([(await call("a")).status, (await call("a,b")).status]).toEqual([201, 201]);
  });

  test.each([7, ""])("that is not valid is the application's mistake: %j", async (idempotencyKey) => {
    const plane = planeAsking({ idempotencyKey });
    const response = await spawnBy(plane, ada);
    expect([response.status, (await jsonOf(response)).code]).toEqual([503, "UNAVAILABLE"]);
    expect(JSON.stringify(plane.logged)).toContain("idempotencyKey: got");
  });
});

describe("a user", () => {
  test("sees their own computes only, and none without a user", async () => {
    const plane = planeUnderTest();
    const mine = [await plane.spawn("ada"), await plane.spawn("ada")].map(({ compute }) => compute.id);
    await plane.spawn("bob");
    const nobodys = await plane.atlas.spawnCompute({});
    const { computes, nextCursor } = await jsonOf(plane.call("GET", "/computes", { headers: ada }));
    const ids = (computes as { id: string }[]).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(mine.toSorted());
    expect(nextCursor).toBeNull();
    const response = await plane.call("GET", `/computes/${nobodys.id}`, { headers: ada });
    expect(response.status).toBe(404);
  });

  test("cannot distinguish another user's compute from one that does not exist", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn("ada");
    const missing = "0".repeat(20);
    const tell = async (id: string): Promise<string> =>
      (await (await plane.call("GET", `/computes/${id}`, { headers: bob })).text()).replaceAll(id, "<id>");
    expect(await tell(compute.id)).toBe(await tell(missing));
  });

  test("pages through a long list, filtered by status", async () => {
    const plane = planeUnderTest();
    const pods = [await plane.spawn(), await plane.spawn(), await plane.spawn()];
    await plane.atlas.terminate(pods[1]?.compute.id ?? "");
    const list = (query: string): Promise<Record<string, unknown>> =>
      jsonOf(plane.call("GET", `/computes?${query}`, { headers: ada }));
    const first = await list("limit=2");
    const second = await list(`limit=2&cursor=${first.nextCursor}`);
    expect(first.computes).toHaveLength(2);
    expect(second.computes).toHaveLength(1);
    expect(second.nextCursor).toBeNull();
    expect((await list("status=terminated&status=failed")).computes).toHaveLength(1);
  });

  test.each([
    "userId=bob",
    "limit=0",
    "limit=all",
    "limit=1&limit=2",
    "status=asleep",
    "cursor=x",
    "toString=1",
  ])("is refused a list by %s", async (query) => {
    const plane = planeUnderTest();
    const response = await plane.call("GET", `/computes?${query}`, { headers: ada });
    expect(response.status).toBe(422);
  });

  test("moves the idle deadline by a touch", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    await plane.clock.advance(600);
    await plane.atlas.reap();
    const before = (await plane.atlas.getCompute(compute.id)).idleDeadline;
    await plane.clock.advance(60);
    const touched = await jsonOf(plane.call("POST", `/computes/${compute.id}/touch`, { headers: ada }));
    expect(Date.parse(String(touched.idleDeadline)) - (before?.getTime() ?? 0)).toBe(60_000);
  });

  test("ends a compute: 200 when it is gone, 202 while the provider does not show that", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    plane.provider.script("terminate", "error-before");
    const end = (): Promise<Response> => plane.call("DELETE", `/computes/${compute.id}`, { headers: ada });
    const going = await plane.clock.settle(end());
    expect([going.status, (await jsonOf(going)).status]).toEqual([202, "terminating"]);
    plane.provider.heal();
    const gone = await plane.clock.settle(end());
    expect([gone.status, (await jsonOf(gone)).status]).toEqual([200, "terminated"]);
  });

  test("gets an error for the touch of an ended compute", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    await plane.atlas.terminate(compute.id);
    const response = await plane.call("POST", `/computes/${compute.id}/touch`, { headers: ada });
    expect([response.status, (await jsonOf(response)).code]).toEqual([409, "CONFLICT"]);
  });
});

describe("a signed URL", () => {
  test("opens the first http port, for as long as was asked", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn("ada", { ports: ["22/tcp", 8000, 9000] });
    const body = { path: "/video.m3u8?q=1", expiresInSeconds: 600 };
    const answer = await jsonOf(
      plane.call("POST", `/computes/${compute.id}/signed-url`, { headers: ada, body }),
    );
    const url = String(answer.url);
    const env = plane.provider.instances[0]?.env;
    const verdict = verifySignedUrl(url, { secret: env?.ATLAS_SIGNING_SECRET ?? "", now: plane.clock.now() });
    expect(url.startsWith(compute.url(8000, "/video.m3u8"))).toBe(true);
    expect(verdict).toEqual({ ok: true, expiresAt: Date.parse(String(answer.expiresAt)) / 1000 });
    expect(answer.expiresAt).toBe(new Date(plane.clock.now().getTime() + 600_000).toISOString());
  });

  test.each([
    [{ path: "no-slash" }, 422],
    [{ path: "/", port: 1 }, 422],
    [{ path: "/", expiresInSeconds: 0 }, 422],
    [{ path: "//evil.example" }, 422],
  ])("is not made for %j", async (body, status) => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    const path = `/computes/${compute.id}/signed-url`;
    expect((await plane.call("POST", path, { headers: ada, body })).status).toBe(status);
  });

  test("is refused for a compute without the scheme or without an http port", async () => {
    const plane = planeUnderTest();
    const pods = [
      await plane.spawn("ada", { auth: "bearer" }),
      await plane.spawn("ada", { ports: ["22/tcp"] }),
    ];
    for (const { compute } of pods) {
      const path = `/computes/${compute.id}/signed-url`;
      const response = await plane.call("POST", path, { headers: ada, body: { path: "/" } });
      expect((await jsonOf(response)).code).toBe("VALIDATION");
    }
  });
});

describe("authorize", () => {
  const call = (authorize: () => unknown): Promise<Response> =>
    planeUnderTest({ authorize: authorize as () => null }).call("GET", "/computes");

  test.each([null, undefined])("that returns %s means 401", async (absent) => {
    expect((await call(() => absent)).status).toBe(401);
    expect((await call(async () => absent)).status).toBe(401);
  });

  test.each([
    {},
    { userId: "" },
    { userId: 7 },
    { userId: "a\nb" },
    { userId: "x".repeat(201) },
    true,
    "ada",
  ])("lets no request in by returning %j", async (user) => {
    const response = await call(() => user);
    expect([response.status, (await jsonOf(response)).code]).toEqual([503, "UNAVAILABLE"]);
  });

  test("lets no request in by failing, and keeps the code of an AtlasError", async () => {
    const failing = await call(() => Promise.reject(new Error("redis://user:password@host is down")));
    expect([failing.status, await failing.text()]).toEqual([503, expect.not.stringContaining("password")]);
    const refusing = await call(() => {
      throw new AtlasError("FORBIDDEN", "your account is closed");
    });
    expect([refusing.status, (await jsonOf(refusing)).code]).toEqual([403, "FORBIDDEN"]);
  });

  test("may not consume the body, and the log says so", async () => {
    const plane = planeUnderTest({
      authorize: async (request) => {
        await request.text();
        return { userId: "ada", gpu: "l4" };
      },
    });
    expect((await spawnBy(plane, ada, {})).status).toBe(503);
    expect(JSON.stringify(plane.logged)).toContain("authorize has read the request's body");
  });
});

test("a user without a compute is not affected by a provider that is down", async () => {
  const provider = mock();
  const atlas = createAtlas({ providers: [provider] });
  provider.script("list", "error-before");
  const handler = createControlPlane({ atlas, authorize: () => ({ userId: "eve" }), request: () => ({}) });
  const response = await handler(new Request("https://app.example/computes"));
  expect(await jsonOf(response)).toEqual({ computes: [], nextCursor: null });
});
