import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import type { Provider } from "../../src/provider.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { intercept } from "../support/intercept.ts";
import { eventsOf, failureOf, recordsOf } from "../support/scene.ts";
import { type Transcript, transcript } from "../support/transcript.ts";

const env = { HF_TOKEN: "hf_s3cret_value", QUOTED: 'with "quotes" & spaces' };
const signingKey = "a signing key of this application, 32 bytes or more";

afterEach(() => vi.restoreAllMocks());

/** A provider with answers that repeat the whole request, as some do. */
function blabbing(provider: ReturnType<typeof mock>): ReturnType<typeof mock> {
  let heard: unknown = {};
  const words = (): string => `told ${JSON.stringify(heard)} and ${Object.values(Object(heard)).join(", ")}`;
  const blab = (error: unknown): never => {
    if (!(error instanceof AtlasError)) throw new Error(words());
    throw new AtlasError(error.code, `${error.message} ${words()}`, { mayHaveCreated: error.mayHaveCreated });
  };
  const create: Provider["create"] = async (request, context) => {
    heard = request.env;
    const instance = await provider.create(request, context).catch(blab);
    return { ...instance, ...(instance.status === "failed" ? { message: words() } : {}) };
  };
  return new Proxy(provider, { get: (of, key) => (key === "create" ? create : Reflect.get(of, key)) });
}

/** One whole life of several computes, in which most things happen that can. */
async function life(said: Transcript): Promise<readonly string[]> {
  const clock = manualClock();
  const kept = memoryStore({ clock });
  const provider = mock({ clock, bootSeconds: 5 });
  let isUp = true;
  const store = intercept(kept, ["replace"], () => {
    if (!isUp) throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
  });
  const atlas = createAtlas({
    ...{ providers: [blabbing(provider)], store, clock, fetch: provider.fetch, signingKey },
    ...{ logger: said.logger, onEvent: said.note, controlUrl: "https://app.example/atlas" },
  });
  const tell = async <Result>(promise: Promise<Result>): Promise<Result | undefined> => {
    const settled = await clock.settle(
      promise.then(said.note, said.note).then(() => promise.catch(() => undefined)),
    );
    return settled;
  };
  const request = { ports: [8000], auth: ["bearer", "signed-url"], env, gpu: "h100", userId: "u" } as const;
  const options = { onProgress: said.note };

  const compute = await tell(atlas.spawnCompute({ ...request, idempotencyKey: "key" }, options));
  const { HF_TOKEN: _, QUOTED: __, ...ours } = provider.instances[0]?.env ?? {};
  provider.log("mock-1", `started with ${JSON.stringify(ours)}`);
  if (compute === undefined) throw new Error("it was not spawned");
  await tell(compute.waitUntilReady({ ...options, path: "/", timeoutSeconds: 3 }));
  await tell(compute.waitUntilReady({ ...options, path: "/healthz" }));
  for (const call of [atlas.touch, atlas.stop, atlas.start, atlas.getCompute])
    await tell(call.call(atlas, compute.id));
  await tell(atlas.spawnCompute({ ...request, idempotencyKey: "key" }));
  await tell(atlas.spawnCompute({ ...request, idempotencyKey: "key", gpuCount: 2 }));
  const faults = [
    "capacity",
    "balance",
    "invalid",
    "bad-key",
    "timeout-after",
    "timeout-before",
    "not-an-error",
    "error-after",
  ] as const;
  for (const fault of [...faults, "unreadable-after", "boot-failure"] as const) {
    provider.script("create", ...(fault === "capacity" ? [fault, fault, fault] : [fault]));
    await tell(atlas.spawnCompute(request, options));
  }
  isUp = false;
  await tell(atlas.spawnCompute(request));
  isUp = true;
  await tell(atlas.terminate(compute.id));
  for (let pass = 0; pass < 5; pass += 1) {
    await clock.advance(400);
    await tell(atlas.reap());
  }
  for (const { id } of await recordsOf(kept))
    said.note(await kept.events({ namespace: "default", computeId: id }, 1000));
  said.note(await recordsOf(kept));
  said.note((await atlas.listComputes()).computes);
  const envs = provider.instances.map((instance) => instance.env);
  const names = ["ATLAS_PRESHARED_KEY", "ATLAS_SIGNING_SECRET", "ATLAS_POD_TOKEN"] as const;
  expect(envs.length).toBeGreaterThan(5);
  expect(names.every((name) => compute.auth !== undefined && envs[0]?.[name] !== undefined)).toBe(true);
  return [signingKey, ...Object.values(env), ...envs.flatMap((one) => names.map((name) => one[name] ?? ""))];
}

describe("law 6: secrets appear once", () => {
  it("no token, signing secret, pod token or env value is in anything that is logged, told, stored or thrown", async () => {
    const said = transcript();
    const printed = (["debug", "info", "log", "warn", "error"] as const).map((method) =>
      vi.spyOn(console, method),
    );
    const secrets = await life(said);
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
    const text = said.text();
    expect(text.length).toBeGreaterThan(50_000);
    expect(new Set(secrets).size).toBeGreaterThan(10);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(10);
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
        expect(text).not.toContain(form);
    }
  });

  it("the provider's word on a boot that failed at once is cleaned of the env it repeats, before it is stored or thrown", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const { create } = provider;
    provider.create = async (request, context) => {
      const instance = await create(request, context);
      return { ...instance, status: "failed", message: `cannot start with ${JSON.stringify(request.env)}` };
    };
    const store = memoryStore({ clock });
    const atlas = createAtlas({ providers: [provider], store, clock });
    const error = await clock.settle(failureOf(atlas.spawnCompute({ env })));
    expect(error).toMatchObject({
      code: "BOOT_FAILED",
      message: expect.stringContaining('"HF_TOKEN":"[redacted]"'),
    });
    const said = transcript();
    for (const value of [error, await recordsOf(store), await eventsOf(store)]) said.note(value);
    for (const secret of [env.HF_TOKEN, provider.instances[0]?.env.ATLAS_PRESHARED_KEY ?? ""])
      expect(said.text()).not.toContain(secret);
    expect(await recordsOf(store)).toMatchObject([{ status: "terminated", reason: "failed" }]);
  });

  it("is seen to be broken when it is", async () => {
    const said = transcript();
    said.note(new Error("outer", { cause: new Error("the inner s3cret-token") }));
    said.note({ deep: { deeper: [{ Authorization: "another-s3cret" }] } });
    said.logger.warn("message", { token: "third-s3cret" });
    for (const secret of ["s3cret-token", "another-s3cret", "third-s3cret"])
      expect(said.text()).toContain(secret);
  });

  it("an adapter's own words are cleaned of the env they repeat, and stay readable", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    provider.script("create", "invalid");
    const atlas = createAtlas({ providers: [blabbing(provider)], clock });
    const error = await clock.settle(failureOf(atlas.spawnCompute({ env })));
    expect(error.message).toContain("the request was refused as not valid");
    expect(error.message).toContain('"HF_TOKEN":"[redacted]"');
    expect(error.message).toContain(`"ATLAS_COMPUTE_ID":"${error.computeId}"`);
    expect(inspect(error, { depth: 10 })).not.toContain(env.HF_TOKEN);
  });
});
