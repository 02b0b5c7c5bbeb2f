import { describe, expect, it } from "vitest";
import type { AtlasError } from "../src/errors.ts";
import { createAtlas, memoryStore } from "../src/index.ts";
import { mock } from "../src/providers/mock/index.ts";
import { failureOf } from "./support/scene.ts";

function refusal(options: unknown): Promise<AtlasError> {
  return failureOf(Promise.resolve().then(() => createAtlas(options as never)));
}

const providers = [mock()];

describe("createAtlas", () => {
  it("takes every option", () => {
    const log = (): void => undefined;
    const options = {
      ...{ providers, store: memoryStore(), namespace: "a", signingKey: "k".repeat(32), onEvent: log, fetch },
      limits: { computesPerUser: 0, computes: 1, costPerHourPerUser: 0, costPerHour: 0.5 },
      timing: {
        requestTimeoutSeconds: 1,
        createTimeoutSeconds: 2,
        lookupSeconds: 3,
        pendingGraceSeconds: 4,
        leaseSeconds: 86_400,
      },
      controlUrl: "https://app.example/atlas/",
      logger: console,
    };
    expect(() => createAtlas(options)).not.toThrow();
  });

  it.each([
    ["providers", undefined, "nothing"],
    ["providers", mock(), "an object"],
    ["providers", [{ name: "mine" }], "an object"],
    ["providers", [mock(), mock()], 'the name "mock"'],
    ["providers", [{ ...mock(), name: "Mine" }], 'the name "Mine"'],
    ["providers", [{ ...mock(), name: undefined }], "the name nothing"],
    ["store", {}, "an object"],
    ["store", "./atlas.db", '"./atlas.db"'],
    ["namespace", "", '""'],
    ["namespace", "my-app", '"my-app"'],
    ["namespace", "MyApp", '"MyApp"'],
    ["namespace", "1app", '"1app"'],
    ["namespace", "a".repeat(21), '"aaaaaaaaaaaaaaaaaaaaa"'],
    ["limits", 1, "1"],
    ["limits", { perUser: 1 }, "an unknown key"],
    ["limits", { computes: 1.5 }, "1.5"],
    ["limits", { computesPerUser: -1 }, "-1"],
    ["limits", { costPerHour: Number.NaN }, "NaN"],
    ["timing", { leaseSeconds: 0 }, "0"],
    ["timing", { lookupSeconds: 86_401 }, "86401"],
    ["timing", { grace: 1 }, "an unknown key"],
    ["controlUrl", "app.example", '"app.example"'],
    ["controlUrl", "ftp://app.example", '"ftp://app.example"'],
    ["controlUrl", "https://app.example/?a=b", '"https://app.example/?a=b"'],
    ["onEvent", "log", '"log"'],
    ["logger", { log: () => undefined }, "an object"],
    ["fetch", {}, "an object"],
    ["clock", Date, "a function"],
    ["provider", mock(), "an unknown key (did you mean providers?)"],
    ["colour", "blue", "an unknown key"],
  ])("refuses %s (%#)", async (name, value, received) => {
    const error = await refusal({ providers, [name]: value });
    expect(error.code).toBe("VALIDATION");
    expect(error.message).toContain(`got ${received}; allowed: `);
    expect(error.message).toContain(name);
  });

  it("works without providers: it lists what is recorded, and refuses to spawn", async () => {
    const atlas = createAtlas({ providers: [] });
    expect((await atlas.listComputes()).computes).toEqual([]);
    const error = await failureOf(atlas.spawnCompute({ image: "app:1" }));
    expect(error).toMatchObject({ code: "UNSUPPORTED", candidates: [] });
    expect(error.message).toContain("add one to createAtlas");
    expect(await atlas.listGpuTypes()).toEqual([]);
  });

  it("refuses a signing key under 32 bytes without repeating it", async () => {
    const error = await refusal({ providers, signingKey: "short-but-secret" });
    expect(error.message).toContain(
      "signingKey: got a string of 16 characters; allowed: a string of 32 bytes or more",
    );
    expect(error.message).not.toContain("secret");
    expect(() => createAtlas({ providers, signingKey: "ü".repeat(16) })).not.toThrow();
  });

  it("refuses no options at all", async () => {
    expect(await refusal(undefined)).toMatchObject({ code: "VALIDATION" });
  });
});
