import { expect, test } from "vitest";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { failureOf } from "../support/failure-of.ts";
import { context, placement, request } from "./mock-world.ts";

const get = { method: "GET", headers: { authorization: "Bearer t" } };

test("instances show what was injected, in clear; what the API answers shows it redacted", async () => {
  const provider = mock();
  const options = provider.parseOptions({ tier: "spot" });
  const wishes = { image: "ghcr.io/me/server:1", command: ["serve"], metadata: { plan: "pro" }, options };
  const created = await provider.create(request("atlas-a-1", wishes), context);
  expect(provider.instances).toEqual([
    expect.objectContaining({
      ...wishes,
      id: created.providerId,
      name: "atlas-a-1",
      env: { MODEL: "llama" },
    }),
  ]);
  expect(created.raw).toMatchObject({ env: { MODEL: "[redacted]" } });
});

test("calls tell what was asked, of what and when, and no secret", async () => {
  const clock = manualClock(new Date("2026-05-01T00:00:00Z"));
  const provider = mock({ clock });
  await provider.candidates(placement({ gpus: ["l4"] }), context);
  const candidate = { gpu: "l4", region: "mock-2", placement: "l4" };
  const { providerId } = await provider.create(request("atlas-a-1", { candidate }), context);
  await clock.advance(5);
  await provider.get({ name: "atlas-a-1", providerId }, context);
  const [at, later] = [new Date("2026-05-01T00:00:00Z"), new Date("2026-05-01T00:00:05Z")];
  expect(provider.calls).toEqual([
    { operation: "candidates", at },
    { operation: "create", name: "atlas-a-1", gpu: "l4", region: "mock-2", at },
    { operation: "get", name: "atlas-a-1", providerId, at: later },
  ]);
});

test("an instance boots in bootSeconds, and again after a start", async () => {
  const clock = manualClock();
  const provider = mock({ clock, bootSeconds: 30 });
  const created = await provider.create(request("atlas-a-1"), context);
  expect(created.status).toBe("provisioning");
  const status = async (): Promise<string | undefined> => (await provider.get(created, context))?.status;
  await clock.advance(29);
  expect(await status()).toBe("provisioning");
  await clock.advance(1);
  expect(await status()).toBe("running");
  await provider.stop(created, context);
  expect(await status()).toBe("stopped");
  await provider.start(created, context);
  expect(await status()).toBe("provisioning");
  await clock.advance(30);
  expect(await status()).toBe("running");
});

test("without bootSeconds an instance runs at the next look", async () => {
  const provider = mock();
  const created = await provider.create(request("atlas-a-1"), context);
  expect(created.status).toBe("provisioning");
  expect(await provider.get(created, context)).toMatchObject({ status: "running" });
});

test("in its listLagSeconds a new instance is absent from every answer, and a terminate does not find it", async () => {
  const clock = manualClock();
  const provider = mock({ clock, listLagSeconds: 10 });
  expect(provider.absenceGraceSeconds).toBe(10);
  const created = await provider.create(request("atlas-a-1"), context);
  await provider.terminate(created, context);
  const seen = async (): Promise<number> =>
    (await provider.list({ namePrefix: "atlas-a-" }, context)).length +
    (await provider.find("atlas-a-1", context)).length +
    Number((await provider.get(created, context)) !== undefined);
  expect(await seen()).toBe(0);
  expect(provider.instances).toMatchObject([{ status: "running" }]);
  await clock.advance(10);
  expect(await seen()).toBe(3);
});

test("an instance is terminating for terminateSeconds, then gone, and instances still tell of it", async () => {
  const clock = manualClock();
  const provider = mock({ clock, terminateSeconds: 5 });
  const created = await provider.create(request("atlas-a-1"), context);
  await provider.terminate(created, context);
  expect(await provider.get(created, context)).toMatchObject({ status: "terminating" });
  await clock.advance(5);
  expect(await provider.get(created, context)).toBeUndefined();
  expect(provider.instances).toMatchObject([{ name: "atlas-a-1", status: "terminated" }]);
});

test("every call takes latencySeconds, and a list takes them for every page", async () => {
  const clock = manualClock();
  const provider = mock({ clock, latencySeconds: 2, pageSize: 2 });
  for (const name of ["atlas-a-1", "atlas-a-2", "atlas-a-3"]) provider.add({ name });
  const begin = clock.now().getTime();
  const listed = await clock.settle(provider.list({ namePrefix: "atlas-a-" }, context));
  expect(listed).toHaveLength(3);
  expect(clock.now().getTime() - begin).toBe(4000);
});

test("the controls change what is behind the API", async () => {
  const provider = mock();
  const first = await provider.create(request("atlas-a-1"), context);
  const second = await provider.create(request("atlas-a-2"), context);
  provider.vanish("atlas-a-1");
  provider.fail(second.providerId, "no space left on device");
  expect(await provider.get(first, context)).toBeUndefined();
  expect(await provider.get(second, context)).toMatchObject({
    status: "failed",
    message: "no space left on device",
  });
  provider.setStatus("atlas-a-2", "unknown");
  expect(await provider.get(second, context)).toMatchObject({ status: "unknown" });
  expect(() => provider.vanish("atlas-a-3")).toThrow(/atlas-a-3/);
});

test("an instance that was added belongs to whom the test says", async () => {
  const provider = mock();
  const stranger = provider.add({ name: "atlas-a-1", owner: "other-owner", status: "stopped" });
  const shown = await provider.list({ namePrefix: "atlas-" }, context);
  expect(shown).toMatchObject([{ providerId: stranger.id, owner: "other-owner", status: "stopped" }]);
});

test("with unique names, a create under a name that exists adopts the instance; one that ended is no obstacle", async () => {
  const provider = mock({ uniqueNames: true });
  const first = await provider.create(request("atlas-a-1"), context);
  const second = await provider.create(request("atlas-a-1"), context);
  expect(second.providerId).toBe(first.providerId);
  await provider.terminate(first, context);
  const third = await provider.create(request("atlas-a-1"), context);
  expect(third.providerId).not.toBe(first.providerId);
});

test("stopping or starting what does not exist is NOT_FOUND", async () => {
  const provider = mock();
  for (const method of ["stop", "start"] as const)
    expect(await failureOf(provider[method]({ name: "atlas-a-1" }, context))).toMatchObject({
      code: "NOT_FOUND",
    });
});

test("candidates follow the order of GPUs, then of regions, with the price of the whole instance", async () => {
  const gpus = [{ id: "l4", costPerHour: 0.5 }, { id: "h100-pcie" }, { id: "h100-sxm", regions: ["east"] }];
  const provider = mock({ regions: ["east", "west"], costPerHour: 3, gpus });
  const wished = placement({ gpus: ["h100", "l4"], gpuCount: 2, regions: ["west", "east"] });
  expect(await provider.candidates(wished, context)).toEqual([
    { gpu: "h100-sxm", region: "east", costPerHour: 6, placement: "h100-sxm" },
    { gpu: "h100-pcie", region: "west", costPerHour: 6, placement: "h100-pcie" },
    { gpu: "h100-pcie", region: "east", costPerHour: 6, placement: "h100-pcie" },
    { gpu: "l4", region: "west", costPerHour: 1, placement: "l4" },
    { gpu: "l4", region: "east", costPerHour: 1, placement: "l4" },
  ]);
});

test("without regions the mock chooses one, and a CPU machine needs no GPU", async () => {
  const provider = mock({ cpuCostPerHour: 0.2 });
  const [candidate = {}] = await provider.candidates(placement(), context);
  expect(candidate).toEqual({ costPerHour: 0.2 });
  const created = await provider.create(request("atlas-a-1", { candidate }), context);
  expect(created).toMatchObject({ region: "mock-1", costPerHour: 0.2 });
  expect(created).not.toHaveProperty("gpu");
});

test.each([
  ["a GPU it does not have", { gpus: ["mi300x"] }, /has no mi300x; it has: l4/],
  ["a region it does not have", { gpus: ["l4"], regions: ["mars"] }, /mars.*mock-1, mock-2/],
])("%s is UNSUPPORTED, and the error says what there is", async (_, wishes, message) => {
  const provider = mock({ gpus: [{ id: "l4" }] });
  const error = await failureOf(provider.candidates(placement(wishes), context));
  expect(error).toMatchObject({ code: "UNSUPPORTED", provider: "mock" });
  expect(error.message).toMatch(message);
});

test("a GPU that is out of stock is a candidate whose create finds no capacity", async () => {
  const provider = mock({ gpus: [{ id: "l4", stock: "none" }] });
  const [candidate = {}] = await provider.candidates(placement({ gpus: ["l4"] }), context);
  const error = await failureOf(provider.create(request("atlas-a-1", { candidate }), context));
  expect(error).toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
  expect(provider.instances).toEqual([]);
});

test("listGpuTypes tells id, canonical name, memory, price and stock", async () => {
  const provider = mock({
    name: "lab",
    gpus: [
      { id: "l4", stock: "low" },
      { id: "GPU-X", costPerHour: 9 },
    ],
  });
  const regions = ["mock-1", "mock-2"];
  expect(await provider.listGpuTypes(context)).toEqual([
    { provider: "lab", id: "l4", name: "l4", memoryGb: 24, costPerHour: 1, stock: "low", regions },
    { provider: "lab", id: "GPU-X", costPerHour: 9, stock: "high", regions },
  ]);
});

test("logs that follow give new lines, and end when the instance is gone or the caller gives up", async () => {
  const clock = manualClock();
  const provider = mock({ clock });
  const { name } = await provider.create(request("atlas-a-1"), context);
  provider.log(name, "one");
  const giveUp = new AbortController();
  const read = async (signal: AbortSignal): Promise<string[]> => {
    const lines: string[] = [];
    const options = { tail: 10, follow: true };
    for await (const { line } of provider.logs({ name }, options, { ...context, signal })) lines.push(line);
    return lines;
  };
  const [patient, impatient] = [read(context.signal), read(giveUp.signal)];
  await clock.advance(1);
  provider.log(name, "two");
  await clock.advance(1);
  giveUp.abort();
  expect(await clock.settle(impatient)).toEqual(["one", "two"]);
  provider.log(name, "three");
  provider.vanish(name);
  expect(await clock.settle(patient)).toEqual(["one", "two", "three"]);
  expect(clock.sleeping).toBe(0);
});

test("its fetch reaches the server of a running instance, and no other host", async () => {
  const provider = mock();
  const created = await provider.create(request("atlas-a-1"), context);
  const url = created.ports[0]?.url ?? "";
  expect(url).toBe("https://mock-1-8000.mock.invalid");
  expect((await provider.fetch(url, get)).status).toBe(200);
  provider.respond(async (asked, { env }) =>
    Response.json({
      path: new URL(asked.url).pathname,
      by: asked.headers.get("authorization"),
      model: env.MODEL,
    }),
  );
  const answer = await provider.fetch(`${url}/healthz`, get);
  expect(await answer.json()).toEqual({ path: "/healthz", by: "Bearer t", model: "llama" });
  await expect(provider.fetch("https://example.com/")).rejects.toThrow(TypeError);
  await expect(provider.fetch(url, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});

test("its fetch answers 502 for an instance that does not run", async () => {
  const clock = manualClock();
  const provider = mock({ clock, bootSeconds: 3 });
  const created = await provider.create(request("atlas-a-1"), context);
  const status = async (): Promise<number> => (await provider.fetch(created.ports[0]?.url ?? "")).status;
  expect(await status()).toBe(502);
  await clock.advance(3);
  expect(await status()).toBe(200);
  provider.vanish("atlas-a-1");
  expect(await status()).toBe(502);
});

test("a tcp port has its address once the instance runs, and no two instances share one", async () => {
  const provider = mock();
  const ports = [{ internal: 22, protocol: "tcp" }] as const;
  const first = await provider.create(request("atlas-a-1", { ports }), context);
  const second = await provider.create(request("atlas-a-2", { ports }), context);
  expect(first.ports).toEqual(ports);
  const urls = (await provider.list({ namePrefix: "atlas-a-" }, context)).map(
    (instance) => instance.ports[0]?.url,
  );
  expect(new Set(urls).size).toBe(2);
  for (const url of urls) expect(url).toMatch(/^tcp:\/\/203\.0\.113\.1:[0-9]+$/);
  expect(second.ports).toEqual(ports);
});

test.each([
  [{ bootTime: 3 }, /bootTime: got an unknown key/],
  [{ name: "No Name" }, /name: got "No Name"/],
  [{ pageSize: 0 }, /pageSize: got 0/],
  [{ listLagSeconds: -1 }, /listLagSeconds: got -1/],
  [{ latencySeconds: Number.NaN }, /latencySeconds/],
  [{ regions: [] }, /regions: got an array of 0/],
  [{ gpus: [{ id: "l4", price: 1 }] }, /gpus/],
  [{ clock: {} }, /clock/],
])("the option %o is refused by its name", (options, message) => {
  expect(() => mock(options as object)).toThrow(message);
});

test("providerOptions are strict, and the error names the provider and the option", () => {
  const provider = mock({ name: "lab" });
  expect(provider.parseOptions({ tier: "spot" })).toEqual({ tier: "spot" });
  expect(() => provider.parseOptions({ tire: "spot" })).toThrow(/providerOptions\.lab.*tire/);
  expect(() => provider.parseOptions({ tier: 1 })).toThrow(/tier: got 1/);
});
