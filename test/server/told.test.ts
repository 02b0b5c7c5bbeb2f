import { describe, expect, test } from "vitest";
import { AtlasError, type AtlasErrorCode, type AtlasErrorFacts, atlasErrorCodes } from "../../src/errors.ts";
import { ada, INTERNAL_SECRET, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

const ACCOUNT = "runpod: POST /pods was refused with 402: the balance of account acme-gpu is -12.40 USD";

/** A control plane whose spawns fail with this error. */
function failingPlane(code: AtlasErrorCode, facts: AtlasErrorFacts = { provider: "runpod" }): PlaneUnderTest {
  const plane = planeUnderTest();
  plane.atlas.spawnCompute = () => Promise.reject(new AtlasError(code, ACCOUNT, facts));
  return plane;
}

async function spawnOn(plane: PlaneUnderTest): Promise<Record<string, unknown>> {
  return jsonOf(plane.call("POST", "/computes", { headers: ada, body: {} }));
}

/** The log's entries of errors, as JSON. */
const logOf = ({ logged }: PlaneUnderTest): string => JSON.stringify(logged);

describe("a failure of a provider or of the application's account", () => {
  test.each<[AtlasErrorCode, number, AtlasErrorCode]>([
    ["AUTH_ERROR", 503, "KEY_UNAVAILABLE"],
    ["BILLING", 503, "KEY_UNAVAILABLE"],
    ["QUOTA", 503, "KEY_UNAVAILABLE"],
    ["KEY_UNAVAILABLE", 503, "KEY_UNAVAILABLE"],
    ["FORBIDDEN", 503, "KEY_UNAVAILABLE"],
    ["VALIDATION", 503, "UNAVAILABLE"],
    ["NOT_FOUND", 503, "UNAVAILABLE"],
    ["CAPACITY", 503, "CAPACITY"],
    ["UNCERTAIN", 503, "UNCERTAIN"],
    ["PROVIDER", 502, "PROVIDER"],
  ])("%s reaches the browser as %i %s", async (code, status, told) => {
    expect(await spawnOn(failingPlane(code))).toMatchObject({ status, code: told });
  });

  test.each(atlasErrorCodes)(
    "%s tells the browser nothing of the account, and the log everything",
    async (code) => {
      const candidates = [{ provider: "runpod", code, reason: ACCOUNT }];
      const plane = failingPlane(code, {
        provider: "runpod",
        candidates,
        details: { logs: [ACCOUNT] },
        requestId: "req-7",
        cause: new Error("the cause"),
      });
      const text = JSON.stringify(await spawnOn(plane));
      expect(text).not.toMatch(/acme-gpu|runpod|balance|req-7/);
      for (const said of [`"code":"${code}"`, "acme-gpu", "req-7", "the cause"])
        expect(logOf(plane)).toContain(said);
    },
  );

  test("keeps what a browser needs: the compute, and when to try again", async () => {
    const facts = { provider: "runpod", computeId: "c1", retryAfterSeconds: 7, retryable: true };
    expect(await spawnOn(failingPlane("RATE_LIMIT", facts))).toMatchObject({
      ...{ status: 429, computeId: "c1", retryAfterSeconds: 7, retryable: true },
    });
  });

  test("that the provider itself sends is told neutrally, whatever it does", async () => {
    const plane = planeUnderTest();
    plane.provider.script("create", ...Array.from({ length: 50 }, () => "capacity" as const));
    const problem = await spawnOn(plane);
    expect(problem).toMatchObject({ status: 503, code: "CAPACITY" });
    expect(problem).not.toHaveProperty("candidates");
    expect(logOf(plane)).toContain('"candidates":[');
  });
});

describe("a mistake of the application", () => {
  test("in its spawn request is 503 for the browser and named in the log", async () => {
    const plane = planeUnderTest({ request: () => ({ gpuCount: 0 }) });
    const problem = await spawnOn(plane);
    expect(problem).toMatchObject({ status: 503, code: "UNAVAILABLE" });
    expect(JSON.stringify(problem)).not.toContain("gpuCount");
    expect(logOf(plane)).toContain("gpuCount: got 0");
  });

  test("is not a refusal that it throws on purpose, which passes unchanged", async () => {
    const refusal = new AtlasError("VALIDATION", "size is small or large", { details: { field: "size" } });
    const plane = planeUnderTest({ request: () => Promise.reject(refusal) });
    expect(await spawnOn(plane)).toMatchObject({
      ...{ status: 422, code: "VALIDATION", detail: "size is small or large", details: { field: "size" } },
    });
    const billing = planeUnderTest({
      request: () => Promise.reject(new AtlasError("BILLING", "your plan has ended")),
    });
    expect(await spawnOn(billing)).toMatchObject({
      status: 402,
      code: "BILLING",
      detail: "your plan has ended",
    });
  });
});

test("a service with the internal secret hears the code itself", async () => {
  const plane = planeUnderTest();
  plane.atlas.reap = () => Promise.reject(new AtlasError("AUTH_ERROR", ACCOUNT, { provider: "runpod" }));
  const headers = { "x-internal-secret": INTERNAL_SECRET };
  expect(await jsonOf(plane.call("POST", "/internal/reap", { headers }))).toMatchObject({
    code: "AUTH_ERROR",
  });
});

test("a limit of the application's own keeps its words", async () => {
  const plane = failingPlane("LIMIT_EXCEEDED", { retryable: false });
  expect(await spawnOn(plane)).toMatchObject({ status: 429, code: "LIMIT_EXCEEDED", detail: ACCOUNT });
});
