import { describe, expect, test } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";

/** Calls these addresses of a control plane, and returns the statuses and the log's errors. */
async function visit(
  { basePath, controlUrl }: { basePath?: string; controlUrl?: string },
  ...addresses: readonly string[]
): Promise<{ statuses: readonly number[]; errors: readonly string[] }> {
  const errors: string[] = [];
  const silent = (): void => undefined;
  const handler = createControlPlane({
    atlas: createAtlas({ providers: [mock()], controlUrl }),
    authorize: () => null,
    request: () => ({}),
    basePath,
    logger: { debug: silent, info: silent, warn: silent, error: (message) => errors.push(message) },
  });
  const statuses: number[] = [];
  for (const address of addresses) statuses.push((await handler(new Request(address))).status);
  return { statuses, errors };
}

describe("a slash at the end of a path", () => {
  test.each([
    ["/api/atlas", "https://app.example/api/atlas/health/", 200],
    ["/api/atlas/", "https://app.example/api/atlas/health", 200],
    ["/api/atlas", "https://app.example/api/atlas/computes/", 401],
    ["/api/atlas", "https://app.example/api/atlas/pod/heartbeat/", 405],
    ["/api/atlas", "https://app.example/api/atlas/computes/abc/events/", 401],
    ["", "https://app.example/health/", 200],
  ])("does not matter: basePath %j at %s", async (basePath, address, status) => {
    expect((await visit({ basePath }, address)).statuses).toEqual([status]);
  });

  test("does not make two slashes one", async () => {
    expect((await visit({}, "https://app.example/health//")).statuses).toEqual([404]);
  });
});

describe("addresses that do not match", () => {
  test.each([
    ["/api/atlas", "https://app.example/atlas/health"],
    ["", "https://app.example/api/atlas/pod/heartbeat"],
    ["/api", "https://app.example/api/atlas/computes/abc/"],
  ])("basePath %j and a request for %s are said in the log, once", async (basePath, address) => {
    const { statuses, errors } = await visit({ basePath }, address, address);
    expect(statuses).toEqual([404, 404]);
    expect(errors).toEqual([expect.stringContaining(`${address}`)]);
    expect(errors[0]).toContain(`basePath ${JSON.stringify(basePath)}`);
  });

  test("controlUrl and basePath are compared at the first request, and both said in the log, once", async () => {
    const { errors } = await visit(
      { basePath: "/api/atlas", controlUrl: "https://app.example/atlas" },
      "https://app.example/api/atlas/health",
      "https://app.example/api/atlas/health",
    );
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain("https://app.example/atlas,");
    expect(errors[0]).toContain("https://app.example/api/atlas:");
  });

  test.each([
    [{ basePath: "/api/atlas", controlUrl: "https://app.example/api/atlas/" }, "/api/atlas/health"],
    [{ basePath: "/api/atlas", controlUrl: "https://app.example/studio/api/atlas" }, "/api/atlas/health"],
    [{ basePath: "", controlUrl: "https://app.example/api/atlas" }, "/health"],
    [{ basePath: "/api/atlas" }, "/api/atlas/health"],
    [{ basePath: "/api/atlas" }, "/api/atlas/nothing"],
    [{ basePath: "/api/atlas" }, "/favicon.ico"],
  ])("are not suspected where they match or cannot be compared: %j", async (options, path) => {
    expect((await visit(options, `https://app.example${path}`)).errors).toEqual([]);
  });
});
