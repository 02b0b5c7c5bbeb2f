import { beforeEach, describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import { AtlasError } from "../../src/errors.ts";
import type { Candidate, PlacementRequest } from "../../src/provider.ts";
import { type RunpodProvider, runpod } from "../../src/providers/runpod/index.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { cpuPlacement, gpuPlacement } from "./runpod-subject.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };

let clock: LeapingClock;
let fake: FakeRunpod;
let provider: RunpodProvider;

beforeEach(() => {
  clock = leapingClock();
  fake = fakeRunpod({ clock });
  provider = runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock });
});

function find(wishes: Partial<PlacementRequest>): Promise<readonly Candidate[]> {
  return provider.candidates({ ...gpuPlacement, ...wishes }, context);
}

/** `h100-pcie SECURE 2.39`, with the region where there is one. */
async function found(wishes: Partial<PlacementRequest>): Promise<readonly string[]> {
  const candidates = await find(wishes);
  return candidates.map(({ gpu, region, costPerHour, placement }) => {
    const place = placement as { cloud: string; cpuId?: string; vcpuCount?: number };
    return [gpu ?? `${place.cpuId}x${place.vcpuCount}`, region, place.cloud, costPerHour]
      .filter((part) => part !== undefined)
      .join(" ");
  });
}

const requestsTo = (path: string): number => fake.requests.filter((request) => request.endsWith(path)).length;

describe("candidates of runpod()", () => {
  it("follow the caller's GPUs first, a bare name's variants best first", async () => {
    expect(await found({ gpus: ["rtx-4090", "h100"] })).toEqual([
      "rtx-4090 SECURE 0.74",
      "h100-sxm SECURE 2.99",
      "h100-pcie SECURE 2.39",
    ]);
  });

  it("follow the caller's regions second, and stock and price between clouds third", async () => {
    const options = { cloud: "ANY" };
    expect(
      await found({ gpus: ["h100-pcie", "rtx-4090"], regions: ["US-TX-3", "US-KS-2"], options }),
    ).toEqual([
      "h100-pcie US-TX-3 COMMUNITY 1.99",
      "h100-pcie US-TX-3 SECURE 2.39",
      "h100-pcie US-KS-2 SECURE 2.39",
      "h100-pcie US-KS-2 COMMUNITY 1.99",
      "rtx-4090 US-TX-3 COMMUNITY 0.34",
      "rtx-4090 US-TX-3 SECURE 0.74",
      "rtx-4090 US-KS-2 SECURE 0.74",
      "rtx-4090 US-KS-2 COMMUNITY 0.34",
    ]);
  });

  it("for any GPU are all types with a price and stock, the cheapest first, after those that the caller prefers", async () => {
    expect(await found({ gpus: ["any"], options: { cloud: "ANY" } })).toEqual([
      "rtx-4090 COMMUNITY 0.34",
      "rtx-4090 SECURE 0.74",
      "h100-pcie COMMUNITY 1.99",
      "h100-pcie SECURE 2.39",
      "h100-sxm SECURE 2.99",
    ]);
    expect(await found({ gpus: ["h100-sxm", "any"], regions: ["EU-RO-1"] })).toEqual([
      "h100-sxm EU-RO-1 SECURE 2.99",
      "rtx-4090 EU-RO-1 SECURE 0.74",
    ]);
    expect(await found({ gpus: ["any"], gpuCount: 5 })).toEqual([
      "rtx-4090 SECURE 3.7",
      "h100-pcie SECURE 11.95",
      "h100-sxm SECURE 14.95",
    ]);
  });

  it("for any GPU need the catalogue, which alone tells the prices", async () => {
    fake.fault("gpus", "unavailable-html", 10);
    await expect(find({ gpus: ["any"] })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("prefer the cheaper cloud where both have as much", async () => {
    expect(await found({ gpus: ["h100-pcie"], options: { cloud: "ANY" } })).toEqual([
      "h100-pcie COMMUNITY 1.99",
      "h100-pcie SECURE 2.39",
    ]);
  });

  it("cost as much as all GPUs together, and leave out what no machine has so many of", async () => {
    expect(await found({ gpus: ["h100-pcie", "rtx-4090"], gpuCount: 3, options: { cloud: "ANY" } })).toEqual([
      "h100-pcie SECURE 7.17",
      "rtx-4090 COMMUNITY 1.02",
      "rtx-4090 SECURE 2.22",
    ]);
  });

  it("leave out what is listed without a price, and canonical GPUs that are not listed", async () => {
    expect(await found({ gpus: ["a100-40gb", "b200", "rtx-4090"] })).toEqual(["rtx-4090 SECURE 0.74"]);
  });

  it("keep a provider's own id that the catalogue does not list", async () => {
    expect(await found({ gpus: ["NVIDIA Next Big Thing"] })).toEqual(["NVIDIA Next Big Thing SECURE"]);
  });

  it("are cut by maxCostPerHour; when nothing is cheap enough, all stay for the caller's error", async () => {
    const gpus = ["h100", "rtx-4090"];
    expect(await found({ gpus, maxCostPerHour: 2.5 })).toEqual([
      "h100-pcie SECURE 2.39",
      "rtx-4090 SECURE 0.74",
    ]);
    expect(await found({ gpus: ["h100"], maxCostPerHour: 1 })).toEqual([
      "h100-sxm SECURE 2.99",
      "h100-pcie SECURE 2.39",
    ]);
  });

  it("stay in Secure Cloud with a network volume", async () => {
    const wishes = { gpus: ["rtx-4090"], networkVolumeId: "v", options: { cloud: "ANY" } };
    expect(await found(wishes)).toEqual(["rtx-4090 SECURE 0.74"]);
  });

  it("for a CPU machine are flavors with enough memory, in powers of two, the cheaper first within a stock", async () => {
    expect(await found({ ...cpuPlacement, gpus: [], cpus: 4, memoryGb: 16 })).toEqual([
      "cpu3mx4 SECURE 0.2",
      "cpu3cx8 SECURE 0.24",
      "cpu5cx8 SECURE 0.28",
    ]);
  });

  it("read the catalogue once a minute and cloud, also for a hundred requests at once", async () => {
    await Promise.all(Array.from({ length: 100 }, () => find({ options: { cloud: "ANY" } })));
    clock.advance(59_000);
    await find({});
    expect(requestsTo("/catalog/gpus")).toBe(2);
    clock.advance(2000);
    await find({});
    expect(requestsTo("/catalog/gpus")).toBe(3);
  });

  it("ask for the stock under the request's own CUDA constraint", async () => {
    const urls: string[] = [];
    provider = runpod({
      apiKey: fake.apiKey,
      clock,
      fetch: (input, init) => {
        urls.push(new Request(input, init).url);
        return fake.fetch(input, init);
      },
    });
    await find({ gpuCount: 2, options: { allowedCudaVersions: ["12.8", "12.9"] } });
    const query = new URL(urls[0] ?? "").searchParams;
    expect(Object.fromEntries(query)).toEqual({
      include: "AVAILABILITY",
      product: "POD",
      cloud: "SECURE",
      count: "2",
      cudaVersions: "12.8,12.9",
    });
  });

  it.each([
    "error-before",
    "unavailable-html",
    "connection-before",
    "refused-pool",
    "malformed",
    "rate-limit-long",
  ] as const)("are there without prices when the catalogue meets %s", async (fault) => {
    fake.fault("gpus", fault, 10);
    expect(await found({ gpus: ["h100"] })).toEqual([
      "h100-sxm SECURE",
      "h100-nvl SECURE",
      "h100-pcie SECURE",
    ]);
    fake.heal();
    expect(await found({ gpus: ["h100"] })).toEqual(["h100-sxm SECURE 2.99", "h100-pcie SECURE 2.39"]);
  });

  it("for a CPU machine fall back to the flavors there were", async () => {
    fake.fault("cpus", "error-before", 10);
    expect(await found({ ...cpuPlacement, gpus: [], cpus: 2, memoryGb: 8 })).toEqual([
      "cpu3cx4 SECURE",
      "cpu3gx2 SECURE",
      "cpu3mx2 SECURE",
    ]);
  });

  it("do not hide a rejected key", async () => {
    fake.fault("gpus", "bad-key");
    await expect(find({})).rejects.toMatchObject({ code: "AUTH_ERROR" });
  });

  it("stop waiting for the catalogue when the caller gives up, and leave it to the others", async () => {
    const caller = new AbortController();
    const given = provider.candidates(gpuPlacement, { ...context, signal: caller.signal });
    const other = find({});
    caller.abort();
    await given;
    expect(await other).toHaveLength(1);
    expect(requestsTo("/catalog/gpus")).toBe(1);
  });

  it.each([
    ["no image", { image: undefined }, "image"],
    ["a small volume", { volumeGb: 5 }, "volumeGb"],
    ["two volumes", { volumeGb: 20, networkVolumeId: "v" }, "volumeGb"],
    ["a volume of its own without a GPU", { gpus: [], volumeGb: 20 }, "volumeGb"],
    [
      "a network volume in Community Cloud",
      { networkVolumeId: "v", options: { cloud: "COMMUNITY" } },
      "cloud",
    ],
    ["a CPU machine in Community Cloud", { gpus: [], options: { cloud: "COMMUNITY" } }, "cloud"],
    [
      "regions and data centers",
      { regions: ["US-KS-2"], options: { dataCenterIds: ["EU-RO-1"] } },
      "dataCenterIds",
    ],
  ])("refuse %s before anything is asked, naming the field", async (_, wishes, field) => {
    const { image, ...placement } = { ...gpuPlacement, ...wishes };
    const request = { ...placement, ...(image === undefined ? {} : { image }) };
    const error: unknown = await provider.candidates(request, context).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AtlasError);
    expect(error).toMatchObject({ code: "VALIDATION", provider: "runpod" });
    expect(String(error)).toContain(field);
    expect(fake.requests).toEqual([]);
  });

  it("refuse a GPU that RunPod does not have as UNSUPPORTED, naming the providers with it", async () => {
    await expect(find({ gpus: ["gh200"] })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(find({ gpus: ["gh200"] })).rejects.toThrow(/lambda/);
  });
});

describe("listGpuTypes of runpod()", () => {
  it("is one entry a type, with the lowest price, the best stock and every region of both clouds", async () => {
    const types = await provider.listGpuTypes(context);
    expect(types.find(({ name }) => name === "rtx-4090")).toEqual({
      provider: "runpod",
      id: "NVIDIA GeForce RTX 4090",
      name: "rtx-4090",
      memoryGb: 24,
      costPerHour: 0.34,
      stock: "high",
      regions: ["US-KS-2", "US-TX-3", "EU-RO-1"],
    });
    expect(types.map(({ id }) => id)).not.toContain("unknown");
    expect(types.map(({ id }) => id)).not.toContain("NVIDIA A100-SXM4-40GB");
    expect(types.find(({ name }) => name === "l40s")).toMatchObject({ stock: "none", regions: [] });
  });
});
