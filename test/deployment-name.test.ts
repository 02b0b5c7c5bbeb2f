import { describe, expect, it } from "vitest";
import { deploymentFrom } from "../src/deployment-name.ts";
import { createAtlas, memoryStore } from "../src/index.ts";
import { mock } from "../src/providers/mock/index.ts";
import { sqliteStore } from "../src/stores/sqlite/index.ts";
import { failureOf } from "./support/failure-of.ts";

describe("the name of a deployment", () => {
  it.each([
    [{ ATLAS_DEPLOYMENT: "staging", VERCEL_ENV: "production" }, "staging"],
    [{ VERCEL_ENV: "production", VERCEL_GIT_COMMIT_REF: "main" }, "production"],
    [{ VERCEL_ENV: "preview", VERCEL_GIT_COMMIT_REF: "feature/x" }, "preview:feature/x"],
    [{ VERCEL_ENV: "preview" }, "preview"],
    [{ ATLAS_DEPLOYMENT: "" }, undefined],
    [{}, undefined],
  ])("of the environment %o is %s", (env, name) => {
    expect(deploymentFrom(env)).toBe(name);
  });

  it("separates two clients on one store: the second one reads, and spawns nothing", async () => {
    const store = memoryStore();
    const provider = mock();
    const at = (deployment: string) => createAtlas({ providers: [provider], store, deployment });
    const { id } = await at("production").spawnCompute({});
    const error = await failureOf(at("preview").spawnCompute({}));
    expect(error).toMatchObject({
      code: "CONFLICT",
      message: expect.stringMatching(/"production".*"preview"/),
    });
    expect(await at("preview").getCompute(id)).toMatchObject({ id });
    expect(provider.instances).toHaveLength(1);
  });

  it("is asked for in the log of a client on a durable store, and of no other", () => {
    const lines: string[] = [];
    const note = (message: string): void => void lines.push(message);
    const logger = { debug: note, info: note, warn: note, error: note };
    createAtlas({ providers: [], store: memoryStore(), logger });
    createAtlas({ providers: [], store: sqliteStore(":memory:"), logger, deployment: "production" });
    expect(lines).toEqual([]);
    createAtlas({ providers: [], store: sqliteStore(":memory:"), logger });
    expect(lines).toEqual([expect.stringContaining("ATLAS_DEPLOYMENT")]);
  });

  it("is refused when it is empty or has spaces", async () => {
    for (const deployment of ["", "a b", "x".repeat(101)])
      expect(() => createAtlas({ providers: [], deployment })).toThrow(/deployment/);
  });
});
