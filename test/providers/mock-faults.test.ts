import { expect, test } from "vitest";
import { type MockFault, manualClock, mock } from "../../src/providers/mock/index.ts";
import { failureOf } from "../support/failure-of.ts";
import { context, request } from "./mock-world.ts";

test("a scripted fault meets the next call of its operation only", async () => {
  const provider = mock();
  provider.script("create", "capacity");
  await provider.list({ namePrefix: "" }, context);
  expect(await failureOf(provider.create(request("atlas-a-1"), context))).toMatchObject({ code: "CAPACITY" });
  await provider.create(request("atlas-a-1"), context);
  expect(provider.instances).toHaveLength(1);
});

test("faults queue up in order, each for as many calls as it says", async () => {
  const provider = mock();
  provider.script("create", { fault: "capacity", times: 2 }, "quota");
  provider.script("create", "balance");
  const codes: string[] = [];
  for (let call = 0; call < 4; call += 1)
    codes.push((await failureOf(provider.create(request("atlas-a-1"), context))).code);
  expect(codes).toEqual(["CAPACITY", "CAPACITY", "QUOTA", "BILLING"]);
});

test("a fault without an end goes on until the mock is healed", async () => {
  const provider = mock();
  provider.script("get", { fault: "error-before", times: Number.POSITIVE_INFINITY });
  provider.script("list", "bad-key");
  for (let call = 0; call < 20; call += 1)
    await expect(provider.get({ name: "atlas-a-1" }, context)).rejects.toThrow("500");
  provider.heal("get");
  expect(await provider.get({ name: "atlas-a-1" }, context)).toBeUndefined();
  await expect(provider.list({ namePrefix: "" }, context)).rejects.toThrow("API key");
  provider.script("list", "bad-key");
  provider.heal();
  expect(await provider.list({ namePrefix: "" }, context)).toEqual([]);
});

test.each<[MockFault, object, number]>([
  ["capacity", { code: "CAPACITY", mayHaveCreated: false }, 0],
  ["quota", { code: "QUOTA", mayHaveCreated: false }, 0],
  ["refused-pool", { code: "FORBIDDEN", mayHaveCreated: false }, 0],
  ["balance", { code: "BILLING", mayHaveCreated: false }, 0],
  ["bad-key", { code: "AUTH_ERROR", mayHaveCreated: false }, 0],
  ["invalid", { code: "VALIDATION", mayHaveCreated: false }, 0],
  [
    { fault: "rate-limit", retryAfterSeconds: 7 },
    { code: "RATE_LIMIT", retryAfterSeconds: 7, status: 429 },
    0,
  ],
  ["timeout-before", { code: "TIMEOUT", mayHaveCreated: true }, 0],
  ["timeout-after", { code: "TIMEOUT", mayHaveCreated: true }, 1],
  ["connection-before", { code: "TRANSPORT", mayHaveCreated: true }, 0],
  ["connection-after", { code: "TRANSPORT", mayHaveCreated: true }, 1],
  ["error-before", { code: "PROVIDER", status: 500, mayHaveCreated: true }, 0],
  ["error-after", { code: "PROVIDER", status: 500, mayHaveCreated: true }, 1],
  ["unreadable-after", { code: "PROVIDER", status: 200, mayHaveCreated: true }, 1],
])("a create that meets %o fails as %o and leaves %i behind", async (fault, expected, left) => {
  const provider = mock();
  provider.script("create", fault);
  const error = await failureOf(provider.create(request("atlas-a-1"), context));
  expect(error).toMatchObject({ ...expected, provider: "mock" });
  expect(error.message).toMatch(/^mock: create of atlas-a-1 failed: /);
  expect(provider.instances).toHaveLength(left);
});

test.each([
  ["not-an-error", 0],
  ["not-an-error-after", 1],
] as const)("%s throws what is no Error, and leaves %i behind", async (fault, left) => {
  const provider = mock();
  provider.script("create", fault);
  await expect(provider.create(request("atlas-a-1"), context)).rejects.toBeTypeOf("string");
  expect(provider.instances).toHaveLength(left);
});

test.each([
  ["hang", 0],
  ["hang-after", 1],
] as const)("a create that meets %s ends with its signal only, and leaves %i behind", async (fault, left) => {
  const clock = manualClock();
  const provider = mock({ clock });
  const giveUp = new AbortController();
  provider.script("create", fault);
  const failure = failureOf(provider.create(request("atlas-a-1"), { ...context, signal: giveUp.signal }));
  await clock.advance(100_000);
  giveUp.abort();
  expect(await failure).toMatchObject({ code: "TIMEOUT", mayHaveCreated: true });
  expect(provider.instances).toHaveLength(left);
});

test("a call that was given up before it began was never made", async () => {
  const provider = mock();
  const error = await failureOf(
    provider.create(request("atlas-a-1"), { ...context, signal: AbortSignal.abort() }),
  );
  expect(error).toMatchObject({ code: "TIMEOUT", mayHaveCreated: false });
  expect(provider.calls).toEqual([]);
});

test("a call that is given up on its way says that it may have created, and a read says nothing of the kind", async () => {
  const clock = manualClock();
  const provider = mock({ clock, latencySeconds: 10 });
  const giveUp = new AbortController();
  const abortable = { ...context, signal: giveUp.signal };
  const created = failureOf(provider.create(request("atlas-a-1"), abortable));
  const read = failureOf(provider.get({ name: "atlas-a-1" }, abortable));
  await clock.advance(5);
  giveUp.abort();
  expect(await created).toMatchObject({ code: "TIMEOUT", mayHaveCreated: true });
  expect(await read).not.toHaveProperty("mayHaveCreated");
  expect(clock.sleeping).toBe(0);
});

test("a fault may take its time, and a delay is nothing but that", async () => {
  const clock = manualClock();
  const provider = mock({ clock });
  provider.script("create", { fault: "delay", seconds: 40 }, { fault: "timeout-after", seconds: 60 });
  const begin = clock.now().getTime();
  await clock.settle(provider.create(request("atlas-a-1"), context));
  expect(clock.now().getTime() - begin).toBe(40_000);
  const failure = failureOf(provider.create(request("atlas-a-2"), context));
  await clock.advance(0);
  expect(provider.instances).toHaveLength(2);
  expect(await clock.settle(failure)).toMatchObject({ code: "TIMEOUT" });
  expect(clock.now().getTime() - begin).toBe(100_000);
});

test("a boot failure is told after the boot, in the words of the script", async () => {
  const clock = manualClock();
  const provider = mock({ clock, bootSeconds: 10 });
  provider.script("create", { fault: "boot-failure", message: "manifest unknown" });
  const created = await provider.create(request("atlas-a-1"), context);
  expect(created.status).toBe("provisioning");
  await clock.advance(10);
  expect(await provider.get(created, context)).toMatchObject({
    status: "failed",
    message: "manifest unknown",
  });
});

test("a terminate that is ignored answers success and ends nothing", async () => {
  const provider = mock();
  const created = await provider.create(request("atlas-a-1"), context);
  provider.script("terminate", "ignored");
  await provider.terminate(created, context);
  expect(await provider.get(created, context)).toMatchObject({ status: "running" });
});

test.each(["malformed", "partial"] as const)("a list that meets a %s page fails", async (fault) => {
  const provider = mock({ pageSize: 1 });
  await provider.create(request("atlas-a-1"), context);
  provider.script("list", fault);
  expect(await failureOf(provider.list({ namePrefix: "" }, context))).toMatchObject({ code: "PROVIDER" });
});

test.each([
  ["start", "capacity"],
  ["stop", "error-after"],
  ["candidates", "bad-key"],
  ["listGpuTypes", "malformed"],
] as const)("%s can meet %s", async (operation, fault) => {
  const provider = mock();
  const created = await provider.create(request("atlas-a-1"), context);
  provider.script(operation, fault);
  const calls = {
    start: () => provider.start(created, context),
    stop: () => provider.stop(created, context),
    candidates: () => provider.candidates(request("atlas-a-2"), context),
    listGpuTypes: () => provider.listGpuTypes(context),
  };
  expect(await failureOf(calls[operation]())).not.toHaveProperty("mayHaveCreated");
});

test.each([
  ["create", "flood", /fault: got "flood"; allowed: capacity, quota/],
  ["create", { fault: "delay", second: 3 }, /second: got an unknown key/],
  ["create", { fault: "capacity", times: 0 }, /times: got 0/],
  ["get", "boot-failure", /"boot-failure" for get; allowed: this fault for create only/],
  ["terminate", "partial", /this fault for list only/],
  ["get", "timeout-after", /this fault for create, terminate, stop, start only/],
] as const)("script(%s, %o) is refused", (operation, fault, message) => {
  expect(() => mock().script(operation, fault as MockFault)).toThrow(message);
});
