import { describe, expect, test } from "vitest";
import { mintToken } from "../../src/auth/index.ts";
import { isAtlasError } from "../../src/errors.ts";
import { createControlPlane } from "../../src/server/index.ts";
import { bearer, INTERNAL_SECRET, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

const secret = { "x-internal-secret": INTERNAL_SECRET };

function verify(plane: PlaneUnderTest, token: string): Promise<Response> {
  return plane.call("POST", "/internal/verify", { headers: secret, body: { token } });
}

describe("/internal/verify", () => {
  test("names the compute and the user of a token", async () => {
    const plane = planeUnderTest();
    const { compute, token } = await plane.spawn();
    const response = await verify(plane, token);
    expect(response.status).toBe(200);
    expect(await jsonOf(response)).toEqual({
      computeId: compute.id,
      userId: "ada",
      tenantId: null,
      status: compute.status,
    });
  });

  test("answers the same 401 to every token that opens nothing", async () => {
    const plane = planeUnderTest();
    const [{ compute, token, podToken }, ended, revoked] = [
      await plane.spawn(),
      await plane.spawn(),
      await plane.spawn(),
    ];
    await plane.atlas.terminate(ended.compute.id);
    await plane.atlas.revokeToken(revoked.compute.id);
    await plane.atlas.rotateToken(compute.id, { overlapSeconds: 0 });
    const none = ["", "x", "é", "\0", "x".repeat(60_000), mintToken().token, podToken, token];
    const answers = new Set<string>();
    for (const candidate of [...none, ended.token, revoked.token]) {
      const response = await verify(plane, candidate);
      answers.add(`${response.status} ${await response.text()}`);
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toMatch(/^401 .*"code":"UNAUTHORIZED".*"credential":"token"/);
  });

  test("distinguishes a rejected token from a rejected secret, which is the caller's own mistake", async () => {
    const plane = planeUnderTest();
    const { token } = await plane.spawn();
    const response = await plane.call("POST", "/internal/verify", {
      headers: bearer("wrong"),
      body: { token },
    });
    expect(await jsonOf(response)).toMatchObject({
      code: "UNAUTHORIZED",
      details: { credential: "internal" },
    });
  });
});

describe("/internal/reap", () => {
  test.each(["GET", "POST"])("by %s runs a pass and returns its report", async (method) => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn("ada", { maxLifetimeSeconds: 60 });
    await plane.clock.advance(61);
    const response = await plane.clock.settle(plane.call(method, "/internal/reap", { headers: secret }));
    const report = await jsonOf(response);
    expect(Object.keys(report).toSorted()).toEqual([
      "failed",
      "orphans",
      "remaining",
      "settled",
      "terminated",
      "vanished",
    ]);
    expect(report.terminated).toEqual([
      expect.objectContaining({ computeId: compute.id, reason: "max_lifetime" }),
    ]);
    expect(plane.provider.instances.filter(({ status }) => status === "running")).toEqual([]);
  });
});

describe("the internal secret", () => {
  test("is required: without it /internal is closed, and the error names the option", async () => {
    const plane = planeUnderTest({ internalSecret: undefined });
    for (const headers of [{}, secret, bearer("undefined"), bearer("")]) {
      const response = await plane.call("GET", "/internal/reap", { headers });
      const problem = await jsonOf(response);
      expect([response.status, problem.code]).toEqual([503, "KEY_UNAVAILABLE"]);
      expect(problem.detail).toContain("set internalSecret in createControlPlane");
    }
  });

  test("may have several values during a rotation", async () => {
    const next = "next-internal-secret-of-32-chars!";
    const plane = planeUnderTest({ internalSecret: [next, INTERNAL_SECRET] });
    const statusFor = async (token: string): Promise<number> =>
      (await plane.call("GET", "/internal/reap", { headers: bearer(token) })).status;
    expect([await statusFor(INTERNAL_SECRET), await statusFor(next)]).toEqual([200, 200]);
    expect(await statusFor("last-internal-secret-of-32-chars!")).toBe(401);
  });
});

describe("createControlPlane", () => {
  const { atlas } = planeUnderTest();
  const right = { atlas, authorize: () => null, request: () => ({}) };

  function refusalOf(options: object): string {
    try {
      createControlPlane({ ...right, ...options });
    } catch (error) {
      if (isAtlasError(error)) return `${error.code}: ${error.message}`;
    }
    return "taken";
  }

  test.each([
    ["an empty secret", { internalSecret: "" }, "internalSecret"],
    ["a short secret", { internalSecret: "s3cret-and-short" }, "internalSecret"],
    ["a secret that no header can carry", { internalSecret: "é".repeat(32) }, "internalSecret"],
    ["no secret among several", { internalSecret: [] }, "internalSecret"],
    ["an empty secret among several", { internalSecret: [INTERNAL_SECRET, ""] }, "internalSecret"],
    ["no client", { atlas: {} }, "atlas"],
    ["no authorize", { authorize: undefined }, "authorize"],
    ["no request", { request: "yes" }, "request"],
    ["an origin with a path", { origins: ["https://console.example/"] }, "origins"],
    [
      "a pattern of origins, whose pages would act with the user's cookies",
      { origins: ["https://*.app.example"] },
      "origins",
    ],
    ["a base path with a pattern", { basePath: "/:tenant" }, "basePath"],
    ["an unknown option", { internalsecret: INTERNAL_SECRET }, "internalsecret"],
  ])("refuses %s at the start", (_name, options, field) => {
    const refusal = refusalOf(options);
    expect(refusal).toMatch(new RegExp(`^VALIDATION: .*${field}`));
    expect(refusal).not.toContain("s3cret");
  });

  test("takes valid options", () => {
    const origins = ["https://console.example"];
    const options = { internalSecret: INTERNAL_SECRET, basePath: "/api/atlas/", logger: console, origins };
    expect(refusalOf(options)).toBe("taken");
  });
});
