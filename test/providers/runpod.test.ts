import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import type { Candidate, CreateRequest, PlacementRequest } from "../../src/provider.ts";
import { type RunpodOptions, type RunpodProvider, runpod } from "../../src/providers/runpod/index.ts";
import { type LeapingClock, leapingClock } from "../fakes/clock.ts";
import { type FakeRunpod, fakeRunpod } from "../fakes/runpod.ts";
import { failureOf } from "../support/failure-of.ts";
import { cpuPlacement, gpuPlacement } from "./runpod-subject.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };
const NAME = "atlas-default-0123456789abcdefghij";

let clock: LeapingClock;
let fake: FakeRunpod;
let provider: RunpodProvider;

beforeEach(() => {
  clock = leapingClock();
  fake = fakeRunpod({ clock, pageSize: 2 });
  provider = withFake();
});

afterEach(() => {
  expect(fake.contract?.violations ?? []).toEqual([]);
});

function withFake(options: RunpodOptions = {}): RunpodProvider {
  return runpod({ apiKey: fake.apiKey, fetch: fake.fetch, clock, ...options });
}

async function createRequest(
  wishes: Partial<PlacementRequest> = {},
  facts: Partial<CreateRequest> = {},
): Promise<CreateRequest> {
  const placement = { ...gpuPlacement, ...wishes };
  const [candidate] = await provider.candidates(placement, context);
  if (candidate === undefined) throw new Error("there is no candidate");
  return { ...placement, candidate, name: NAME, owner: "owner-1", env: { ATLAS_OWNER: "owner-1" }, ...facts };
}

const bodyOfLastPod = (): object => ({ ...fake.pods.at(-1)?.body });

describe("runpod()", () => {
  it("is made without a key, so that an app builds without one, and names the missing key at the first call", async () => {
    vi.stubEnv("RUNPOD_API_KEY", undefined);
    const keyless = runpod({ fetch: fake.fetch });
    const calls = [
      () => keyless.candidates(gpuPlacement, context),
      () => keyless.list({ namePrefix: "atlas-" }, context),
      () => keyless.jobs.jobHealth("ep", context),
    ];
    for (const call of calls) {
      const error = await failureOf(call());
      expect(error).toMatchObject({ code: "VALIDATION", provider: "runpod" });
      expect(error.message).toMatch(/RUNPOD_API_KEY.*runpod\(\{ apiKey \}\)/);
    }
    expect(fake.requests).toEqual([]);
    vi.unstubAllEnvs();
  });

  it("reads RUNPOD_API_KEY at each call", async () => {
    const lazy = runpod({ fetch: fake.fetch, clock });
    vi.stubEnv("RUNPOD_API_KEY", ` ${fake.apiKey}\n`);
    await expect(lazy.list({ namePrefix: "atlas-" }, context)).resolves.toEqual([]);
    vi.unstubAllEnvs();
  });

  it("refuses an option that does not exist, and keeps a bad key out of the message", () => {
    expect(() => runpod({ apikey: "x" } as RunpodOptions)).toThrow(/apikey: got an unknown key/);
    expect(() => runpod({ apiKey: "two words" })).toThrow(/apiKey: got a string of 9 characters/);
    expect(() => runpod({ baseUrl: "ftp://x" })).toThrow(/baseUrl/);
  });

  it("parses its options for a compute strictly", () => {
    const { parseOptions } = provider;
    expect(parseOptions?.({ cloud: "ANY", minCudaVersion: "12.4" })).toEqual({
      cloud: "ANY",
      minCudaVersion: "12.4",
    });
    expect(() => parseOptions?.({ cloud: "ALL" })).toThrow(
      /cloud: got "ALL"; allowed: "SECURE", "COMMUNITY" or "ANY"/,
    );
    expect(() => parseOptions?.({ minCudaVersion: "12" })).toThrow(/minCudaVersion/);
    expect(() => parseOptions?.({ minCudaVersion: "12.4", allowedCudaVersions: ["12.8"] })).toThrow(
      /one of the two/,
    );
  });
});

describe("create", () => {
  it("sends the whole request, and the GPU count even when it is 1", async () => {
    const request = await createRequest(
      {
        regions: ["US-KS-2"],
        command: ["serve", "--fast"],
        volumeGb: 40,
        volumePath: "/data",
        diskGb: 80,
        memoryGb: 64,
        cpus: 8,
        options: { registryId: "reg-1", entrypoint: ["/bin/run"], startSsh: true, minCudaVersion: "12.4" },
      },
      { env: { MODEL: "llama", ATLAS_OWNER: "owner-1" } },
    );
    await provider.create(request, context);
    expect(bodyOfLastPod()).toEqual({
      name: NAME,
      image: "ghcr.io/me/server:1",
      cloud: "SECURE",
      gpu: {
        id: "NVIDIA GeForce RTX 4090",
        count: 1,
        minCudaVersion: "12.4",
        minRamPerGpu: 64,
        minVcpuCountPerGpu: 8,
      },
      dataCenterIds: ["US-KS-2"],
      disk: 80,
      env: { MODEL: "llama", ATLAS_OWNER: "owner-1" },
      ports: ["8000/http", "22/tcp"],
      cmd: ["serve", "--fast"],
      entrypoint: ["/bin/run"],
      mounts: { persistent: { size: 40, path: "/data" } },
      registry: "reg-1",
      startSsh: true,
    });
  });

  it("makes a CPU pod of a flavor and a power of two of vCPUs", async () => {
    await provider.create(await createRequest({ ...cpuPlacement, gpus: [], cpus: 3 }), context);
    expect(bodyOfLastPod()).toMatchObject({ cpu: { id: "cpu3c", vcpuCount: 4 }, cloud: "SECURE", disk: 20 });
  });

  it("mounts a network volume, in Secure Cloud", async () => {
    await provider.create(
      await createRequest({ networkVolumeId: "vol_1", options: { cloud: "ANY" } }),
      context,
    );
    expect(bodyOfLastPod()).toMatchObject({
      cloud: "SECURE",
      mounts: { network: [{ volumeId: "vol_1", path: "/workspace" }] },
    });
  });

  it("leaves image and disk to a template when the request does not say them", async () => {
    const { image: _, ...withoutImage } = gpuPlacement;
    const placement = { ...withoutImage, options: { templateId: "tpl" } };
    const [candidate] = await provider.candidates(placement, context);
    if (candidate === undefined) throw new Error("there is no candidate");
    await provider.create({ ...placement, candidate, name: NAME, owner: "o", env: {} }, context);
    expect(bodyOfLastPod()).toMatchObject({ templateId: "tpl" });
    expect(bodyOfLastPod()).not.toHaveProperty("image");
    expect(bodyOfLastPod()).not.toHaveProperty("disk");
  });

  it("knows the http URLs at once, and tcp addresses and the price when the pod runs", async () => {
    const created = await provider.create(await createRequest(), context);
    const url = `https://${created.providerId}-8000.proxy.runpod.net`;
    expect(created).toMatchObject({ status: "provisioning", owner: "owner-1", gpu: "rtx-4090", gpuCount: 1 });
    expect(created.costPerHour).toBeUndefined();
    expect(created.ports).toEqual([
      { internal: 8000, protocol: "http", external: 443, url },
      { internal: 22, protocol: "tcp" },
    ]);
    clock.advance(60_000);
    const running = await provider.get(created, context);
    expect(running).toMatchObject({ status: "running", costPerHour: 0.74, region: "US-KS-2" });
    expect(running?.ports[1]).toMatchObject({ external: 30_021, url: "tcp://194.68.245.10:30021" });
  });

  it("does not show the stale addresses of a stopped pod", async () => {
    const created = await provider.create(await createRequest(), context);
    fake.setStatus(created.providerId, "EXITED");
    const stopped = await provider.get(created, context);
    expect(stopped).toMatchObject({ status: "stopped" });
    expect(stopped?.costPerHour).toBeUndefined();
    expect(stopped?.ports[1]).toEqual({ internal: 22, protocol: "tcp" });
  });

  it("redacts every env value in raw, and nothing else", async () => {
    const request = await createRequest({}, { env: { TOKEN: "top-secret-1", ATLAS_OWNER: "owner-1" } });
    const { raw } = await provider.create(request, context);
    expect(raw).toMatchObject({ name: NAME, env: { TOKEN: "[redacted]", ATLAS_OWNER: "[redacted]" } });
    expect(inspect(raw, { depth: 9 })).not.toContain("top-secret-1");
  });

  it("refuses more variables than RunPod takes before anything is sent", async () => {
    const env = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`V${index}`, "x"]));
    const request = await createRequest({}, { env });
    const before = fake.requests.length;
    const error = await failureOf(provider.create(request, context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(error.message).toContain("51 variables");
    expect(fake.requests).toHaveLength(before);
  });

  it("refuses a candidate of another provider", async () => {
    const candidate: Candidate = { gpu: "h100", placement: "mock-h100" };
    const error = await failureOf(provider.create({ ...(await createRequest()), candidate }, context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
  });
});

describe("what a create's refusal means", () => {
  it.each([
    ["capacity", "CAPACITY", false],
    ["capacity-host", "CAPACITY", false],
    ["capacity-conflict", "CAPACITY", false],
    ["conflict", "CAPACITY", false],
    ["invalid", "VALIDATION", false],
    ["bad-key", "AUTH_ERROR", false],
    ["balance", "BILLING", false],
    ["refused-pool", "FORBIDDEN", false],
    ["gateway", "PROVIDER", false],
    ["absent", "NOT_FOUND", false],
    ["gateway-404", "PROVIDER", false],
    ["rate-limit-long", "RATE_LIMIT", false],
    ["error-before", "PROVIDER", true],
    ["capacity-in-500", "PROVIDER", true],
    ["unavailable-html", "UNAVAILABLE", true],
    ["unreadable-after", "PROVIDER", true],
    ["half-an-answer", "PROVIDER", true],
    ["connection-after", "TRANSPORT", true],
  ] as const)("%s is %s, mayHaveCreated %s", async (fault, code, mayHaveCreated) => {
    const request = await createRequest();
    fake.fault("create", fault);
    const before = fake.requests.length;
    expect(await failureOf(provider.create(request, context))).toMatchObject({ code, mayHaveCreated });
    expect(fake.requests).toHaveLength(before + 1);
  });

  it("a missing template is NOT_FOUND, and a 422 names what it does not know", async () => {
    const request = await createRequest({ options: { templateId: "unknown" } });
    expect(await failureOf(provider.create(request, context))).toMatchObject({ code: "NOT_FOUND" });
    const bare = await fake.bare(
      new Request("https://api.runpod.io/v2/pods", {
        method: "POST",
        headers: { authorization: `Bearer ${fake.apiKey}`, "user-agent": "atlas-compute/test" },
        body: JSON.stringify({ name: "x", image: "y", gpuTypeIds: ["z"] }),
      }),
    );
    expect(bare.status).toBe(422);
    expect(await bare.json()).toMatchObject({ errors: ["body.gpuTypeIds: unexpected property"] });
  });

  it("a 429 is waited for, as long as Retry-After and the used-up window say, and then repeated", async () => {
    const request = await createRequest();
    fake.fault("create", "rate-limit", 2);
    await provider.create(request, context);
    expect(clock.waits).toEqual([3000, 3000]);
    expect(fake.pods).toHaveLength(1);
  });

  it("no error repeats an env value that RunPod echoes", async () => {
    const secret = "s3cr3t value with spaces";
    const request = await createRequest({}, { env: { KEY: secret } });
    const echo = withFake({
      fetch: async () => Response.json({ title: "x", status: 422, detail: `bad ${secret}` }, { status: 422 }),
    });
    const error = await failureOf(echo.create(request, context));
    expect(error.message).toContain("bad [redacted]");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  });
});

describe("list", () => {
  const make = async (...names: readonly string[]): Promise<void> => {
    for (const name of names) await provider.create(await createRequest({}, { name }), context);
  };

  it("reads every page, and keeps what begins with the prefix, in any state but terminated", async () => {
    await make("atlas-a-1", "atlas-a-2", "other", "atlas-a-3", "atlas-ab-4", "atlas-a-5");
    fake.setStatus(fake.pods[1]?.id ?? "", "EXITED");
    fake.setStatus(fake.pods[3]?.id ?? "", "TERMINATED");
    const names = (await provider.list({ namePrefix: "atlas-a-" }, context)).map(({ name }) => name);
    expect(names).toEqual(["atlas-a-1", "atlas-a-2", "atlas-a-5"]);
  });

  it.each([
    ["has no pods", { pagination: { nextCursor: null, hasNextPage: false } }],
    ["has a pod of ours without an id", { pods: [{ name: "atlas-x", status: "RUNNING" }] }],
    [
      "speaks of a next page without a cursor",
      { pods: [], pagination: { nextCursor: null, hasNextPage: true } },
    ],
    ["repeats its cursor", { pods: [], pagination: { nextCursor: "again", hasNextPage: true } }],
  ])("throws when the body %s, and never says that there is nothing", async (_, body) => {
    const odd = withFake({ fetch: async () => Response.json(body) });
    expect(await failureOf(odd.list({ namePrefix: "atlas-" }, context))).toMatchObject({ code: "PROVIDER" });
  });

  it("takes a body without pagination for the only page", async () => {
    const single = withFake({ fetch: async () => Response.json({ pods: [] }) });
    expect(await single.list({ namePrefix: "atlas-" }, context)).toEqual([]);
  });
});

describe("terminate, stop, start, restart", () => {
  it("terminate by name ends every pod of exactly that name", async () => {
    for (const name of ["atlas-x-1", "atlas-x-1", "atlas-x-10"])
      await provider.create(await createRequest({}, { name }), context);
    await provider.terminate({ name: "atlas-x-1" }, context);
    expect(fake.pods.map((pod) => fake.statusOf(pod))).toEqual(["TERMINATED", "TERMINATED", "PROVISIONING"]);
  });

  it("terminate of a pod that has ended, and that RunPod still knows, is success though it answers 409", async () => {
    const lingering = fakeRunpod({ clock, lingerSeconds: 600 });
    const own = runpod({ apiKey: lingering.apiKey, clock, fetch: lingering.fetch });
    const { providerId } = await own.create(await createRequest(), context);
    await own.terminate({ name: NAME, providerId }, context);
    await own.terminate({ name: NAME, providerId }, context);
    expect(lingering.requests.slice(-2)).toEqual([
      `DELETE /v2/pods/${providerId}`,
      `GET /v2/pods/${providerId}`,
    ]);
    expect((await own.get({ name: NAME, providerId }, context))?.status).toBe("terminated");
  });

  it("terminate of a pod that lives, and that RunPod refuses to end, is the refusal", async () => {
    const { providerId } = await provider.create(await createRequest(), context);
    fake.fault("terminate", "conflict");
    expect(await failureOf(provider.terminate({ name: NAME, providerId }, context))).toMatchObject({
      code: "CONFLICT",
    });
  });

  it("a 404 that is not RunPod's own does not count as gone", async () => {
    const { providerId } = await provider.create(await createRequest(), context);
    fake.fault("terminate", "gateway-404");
    expect(await failureOf(provider.terminate({ name: NAME, providerId }, context))).toMatchObject({
      code: "PROVIDER",
    });
    fake.fault("get", "gateway-404");
    expect(await failureOf(provider.get({ name: NAME, providerId }, context))).toMatchObject({
      code: "PROVIDER",
    });
  });

  it("stops, starts and restarts; what is so already is success", async () => {
    const reference = await provider.create(await createRequest(), context);
    clock.advance(60_000);
    const [pod] = fake.pods;
    if (pod === undefined) throw new Error("there is no pod");
    await provider.stop(reference, context);
    await provider.stop({ name: NAME }, context);
    expect(fake.statusOf(pod)).toBe("EXITED");
    expect(await failureOf(provider.restart(reference, context))).toMatchObject({ code: "CONFLICT" });
    await provider.start(reference, context);
    await provider.start(reference, context);
    expect(fake.statusOf(pod)).toBe("PROVISIONING");
    clock.advance(60_000);
    await provider.restart(reference, context);
    expect(fake.statusOf(pod)).toBe("PROVISIONING");
  });

  it("a start without room on the pod's host is CAPACITY", async () => {
    const reference = await provider.create(await createRequest(), context);
    fake.setStatus(reference.providerId, "EXITED");
    fake.fault("action", "capacity-host");
    expect(await failureOf(provider.start(reference, context))).toMatchObject({
      code: "CAPACITY",
    });
  });

  it("acting on what is not there is NOT_FOUND", async () => {
    const acting = provider.stop({ name: "atlas-x-missing" }, context);
    expect(await failureOf(acting)).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("rate limits", () => {
  it("hold a caller back until the minute's window is new", async () => {
    fake = fakeRunpod({ clock, requestsPerMinute: 3 });
    provider = withFake();
    clock.advance(40_000);
    for (let call = 0; call < 3; call += 1) await provider.list({ namePrefix: "a" }, context);
    clock.advance(45_000);
    await provider.list({ namePrefix: "a" }, context);
    expect(clock.waits).toEqual([15_000]);
  });
});
