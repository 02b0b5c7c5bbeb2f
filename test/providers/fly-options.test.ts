import { afterEach, describe, expect, test, vi } from "vitest";
import { isAtlasError } from "../../src/errors.ts";
import type { PlacementRequest } from "../../src/provider.ts";
import { type FlyOptions, fly } from "../../src/providers/fly/index.ts";
import { machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();
const given: FlyOptions = { apiKey: "key", org: "acme" };

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the options of fly()", () => {
  test("are refused when they are unknown or wrong, by name and without the token", () => {
    const options = { apiKey: "secret\ntoken", org: "Acme Inc", colour: "red" };
    const making = catchError(() => fly(options));
    expect(making).toMatchObject({ code: "VALIDATION" });
    for (const word of ["apiKey", "org", "colour", "unknown key"]) expect(making.message).toContain(word);
    expect(making.message).not.toContain('token"');
  });

  test("are read from the environment when a call needs them, not before", async () => {
    vi.stubEnv("FLY_API_TOKEN", "");
    vi.stubEnv("FLY_ORG", "");
    const requests: Request[] = [];
    const provider = fly({
      fetch: async (input, init) => {
        requests.push(new Request(input, init));
        return Response.json({ id: "e1", name: "atlas-a-b", state: "started" });
      },
    });
    const reference = { name: "atlas-a-b", providerId: "e1" };
    await expect(provider.get(reference, context)).rejects.toThrow(
      "fly() needs an API token: pass the option apiKey, or set FLY_API_TOKEN",
    );
    vi.stubEnv("FLY_API_TOKEN", "FlyV1 fm2_fromenv");
    await provider.get(reference, context);
    expect(requests[0]?.headers.get("authorization")).toBe("FlyV1 fm2_fromenv");
    await expect(provider.list({ namePrefix: "atlas-" }, context)).rejects.toThrow(
      "fly() needs an organization's slug: pass the option org, or set FLY_ORG",
    );
  });

  test.each(["find", "get", "list", "create", "terminate", "stop", "start", "candidates"] as const)(
    "a missing token is VALIDATION from %s",
    async (method) => {
      vi.stubEnv("FLY_API_TOKEN", "");
      const provider = fly({ org: "acme", fetch: () => Promise.reject(new Error("it asked")) });
      const reference = { name: "atlas-a-b", providerId: "e1" };
      const create = { ...machinePlacement, name: "atlas-a-b", owner: "o", env: {}, candidate: {} };
      const calls: Record<typeof method, () => Promise<unknown>> = {
        find: () => provider.find("atlas-a-b", context),
        get: () => provider.get(reference, context),
        list: () => provider.list({ namePrefix: "atlas-" }, context),
        create: () => provider.create(create, context),
        terminate: () => provider.terminate(reference, context),
        stop: () => provider.stop(reference, context),
        start: () => provider.start(reference, context),
        candidates: () => provider.candidates(machinePlacement, context),
      };
      await expect(calls[method]()).rejects.toMatchObject({
        code: "VALIDATION",
        message: expect.stringContaining("FLY_API_TOKEN"),
      });
    },
  );

  test("a shared app needs no organization", async () => {
    vi.stubEnv("FLY_ORG", "");
    const provider = fly({ apiKey: "key", app: "computes" });
    expect(await provider.candidates(machinePlacement, context)).toHaveLength(1);
  });
});

describe("providerOptions.fly", () => {
  test.each([
    { cpuKind: "gpu" },
    { autostop: true },
    { network: "My Network" },
    { checks: { up: { type: "http" } } },
    { checks: { up: { type: "http", port: 8000, intervalSeconds: 0 } } },
    { restart: "never" },
  ])("%o is refused", (options) => {
    expect(() => fly(given).parseOptions(options)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
  });

  test("comes back as it was", () => {
    const options = {
      cpuKind: "performance",
      autostop: "suspend",
      stopMode: "suspend",
      restart: "always",
      network: "tenant-1",
      ipv4: "dedicated",
      checks: { up: { type: "tcp", port: 8000 } },
    };
    expect(fly(given).parseOptions(options)).toEqual(options);
  });
});

describe("candidates", () => {
  const candidates = (change: Partial<PlacementRequest>, options: FlyOptions = given): Promise<unknown> =>
    fly(options).candidates({ ...machinePlacement, ...change }, context);

  test("are the regions, in the caller's order, each with its price", async () => {
    expect(await candidates({ regions: ["gru", "iad", "xyz"], cpus: 1, memoryGb: 1 })).toEqual([
      { region: "gru", costPerHour: expect.closeTo(0.01502, 4) },
      { region: "iad", costPerHour: expect.closeTo(0.0093, 4) },
      { region: "xyz" },
    ]);
  });

  test("without regions are one that leaves it to Fly, at the dearest price", async () => {
    expect(await candidates({ regions: [], cpus: 1, memoryGb: 1 })).toEqual([
      { costPerHour: expect.closeTo(0.01502, 4) },
    ]);
  });

  test.each([
    [["h100"], "providers with it: runpod, lambda, vast"],
    [["mi300x"], "providers with it: runpod"],
    [["a100-sxm4-80gb"], "runpod() has GPUs"],
  ])("for the GPU %s are none, and the refusal names an alternative", async (gpus, alternative) => {
    await expect(candidates({ gpus })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(
        new RegExp(`Fly ended GPUs on 2026-08-01.*${alternative.replace("()", "\\(\\)")}`),
      ),
    });
  });

  test.each([
    ["no image", { image: undefined }, {}, "VALIDATION", "needs an image"],
    ["a volume without a region", { volumeGb: 5, regions: [] }, {}, "VALIDATION", "list possible regions"],
    ["two volumes", { volumeGb: 5, networkVolumeId: "vol_1" }, {}, "VALIDATION", "one volume"],
    ["a volume of another app", { networkVolumeId: "vol_1" }, {}, "UNSUPPORTED", "the option app"],
    [
      "suspending a large machine",
      { memoryGb: 4, options: { stopMode: "suspend" } },
      {},
      "VALIDATION",
      "the maximum is 2 GB",
    ],
    [
      "a tcp port in a shared app",
      { ports: [{ internal: 22, protocol: "tcp" }] },
      { app: "computes" },
      "UNSUPPORTED",
      "leave out app",
    ],
    ["a new volume in a shared app", { volumeGb: 5 }, { app: "computes" }, "UNSUPPORTED", "networkVolumeId"],
    [
      "a network in a shared app",
      { options: { network: "tenant-1" } },
      { app: "computes" },
      "VALIDATION",
      "network and ipv4",
    ],
  ] as const)("for %s are none", async (_, change, options, code, message) => {
    const { image, ...rest } = { ...machinePlacement, ...change };
    const placement = image === undefined ? rest : { ...rest, image };
    const asking = fly({ ...given, ...options }).candidates(placement as PlacementRequest, context);
    await expect(asking).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (isAtlasError(error)) return error;
  }
  throw new Error("it did not throw");
}
