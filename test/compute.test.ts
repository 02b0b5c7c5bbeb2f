import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { deriveSigningSecret, hashToken, verifySignedUrl, verifyToken } from "../src/auth/index.ts";
import type { Compute } from "../src/compute.ts";
import type { Provider } from "../src/provider.ts";
import { manualClock, mock } from "../src/providers/mock/index.ts";
import { failureOf, type Scene, scene } from "./support/scene.ts";

const signingKey = "0123456789abcdef0123456789abcdef";

function refusal(act: () => unknown): ReturnType<typeof failureOf> {
  return failureOf(Promise.resolve().then(act));
}

/** Everything that a handle shows without being asked for a secret by its name. */
function shown(compute: Compute): string {
  const copies = [
    compute,
    { ...compute },
    compute.auth,
    { ...compute.auth },
    compute.raw,
    Object.entries(compute),
  ];
  const texts = copies.map(
    (copy) => `${JSON.stringify(copy)}${inspect(copy, { depth: 20, showHidden: true })}${directory(copy)}`,
  );
  return [
    ...texts,
    String(compute),
    JSON.stringify({ compute }),
    JSON.stringify(structuredClone({ ...compute.auth })),
  ].join("\n");
}

/** Prints a value as `console.dir` does, which ignores what the value says of itself, with everything that is hidden. */
function directory(value: unknown): string {
  return inspect(value, { customInspect: false, depth: 20, showHidden: true });
}

describe("a compute's handle", () => {
  it("says what was spawned", async () => {
    const { spawn, provider, store, clock } = scene();
    const compute = await spawn({
      ...{ gpu: "h100", gpuCount: 2, ports: [8000], userId: "user_42", metadata: { plan: "pro" } },
      regions: ["mock-2"],
    });
    const [instance] = provider.instances;
    expect(compute).toMatchObject({
      ...{
        name: `atlas-default-${compute.id}`,
        provider: "mock",
        providerId: instance?.id,
        status: "provisioning",
      },
      ...{ reason: null, userId: "user_42", gpu: "h100-sxm", gpuCount: 2, region: "mock-2", costPerHour: 2 },
      ...{
        costSoFar: 0,
        metadata: { plan: "pro" },
        createdAt: clock.now(),
        idleDeadline: null,
        lastError: null,
        isNew: true,
      },
    });
    expect(compute.id).toMatch(/^[0-9a-z]{20}$/);
    expect(compute.lifetimeDeadline).toEqual(new Date(clock.now().getTime() + 86_400_000));
    expect(instance).toMatchObject({
      name: compute.name,
      owner: await store.identity(),
      gpu: "h100-sxm",
      region: "mock-2",
    });
  });

  it("gives the token to its holder and to the pod, and its hash to everybody", async () => {
    const { spawn, provider, atlas } = scene();
    const compute = await spawn();
    const token = compute.auth?.token ?? "";
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(compute.auth).toMatchObject({
      schemes: ["bearer"],
      hash: hashToken(token),
      header: `Authorization: Bearer ${token}`,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(provider.instances[0]?.env).toMatchObject({
      ...{
        ATLAS_PRESHARED_KEY: token,
        ATLAS_COMPUTE_ID: compute.id,
        ATLAS_OWNER: provider.instances[0]?.owner,
      },
      ATLAS_DEADLINE: compute.lifetimeDeadline?.toISOString(),
    });
    const read = await atlas.getCompute(compute.id);
    expect(read.auth).toEqual({ schemes: ["bearer"], hash: compute.auth?.hash });
    const { token: none, header, headers, signingSecret } = read.auth ?? {};
    expect([none, header, headers, signingSecret]).toEqual([undefined, undefined, undefined, undefined]);
    expect(verifyToken(token, read.auth?.hash)).toBe(true);
  });

  it("shows no secret in any form that nobody asked for by name", async () => {
    const { spawn, provider } = scene({ controlUrl: "https://app.example/atlas" });
    const compute = await spawn({
      ports: [8000],
      auth: ["bearer", "signed-url"],
      env: { HF_TOKEN: "hf_secret_value" },
    });
    const { ATLAS_POD_TOKEN = "", ATLAS_CONTROL_URL } = provider.instances[0]?.env ?? {};
    const { token = "", signingSecret = "", header = "" } = compute.auth ?? {};
    const text = shown(compute);
    for (const secret of [token, signingSecret, header, ATLAS_POD_TOKEN, "hf_secret_value"]) {
      expect(secret).not.toBe("");
      expect(text).not.toContain(secret);
    }
    expect(ATLAS_CONTROL_URL).toBe("https://app.example/atlas");
    expect(text).toContain(compute.auth?.hash);
  });

  it("is what the JSON says, with times in ISO 8601", async () => {
    const { spawn } = scene();
    const compute = await spawn({ ports: [8000], auth: "none" });
    expect(JSON.parse(JSON.stringify(compute))).toEqual({
      ...{
        id: compute.id,
        name: compute.name,
        provider: "mock",
        providerId: "mock-1",
        status: "provisioning",
        reason: null,
      },
      ...{
        userId: null,
        slot: null,
        tenantId: null,
        gpu: null,
        gpuCount: 1,
        region: "mock-1",
        costPerHour: 0.05,
        costSoFar: 0,
        metadata: {},
      },
      ports: [{ internal: 8000, protocol: "http", external: 443, url: "https://mock-1-8000.mock.invalid" }],
      ...{
        createdAt: "2026-01-01T00:00:00.000Z",
        idleDeadline: null,
        lifetimeDeadline: "2026-01-02T00:00:00.000Z",
      },
      lastError: null,
    });
  });

  it("has no auth when nothing protects it", async () => {
    const { spawn, provider } = scene();
    const compute = await spawn({ auth: "none" });
    expect(compute.auth).toBeUndefined();
    expect(Object.keys(provider.instances[0]?.env ?? {})).toEqual([
      "ATLAS_COMPUTE_ID",
      "ATLAS_OWNER",
      "ATLAS_DEADLINE",
    ]);
  });

  it("keeps the provider's answer with every env value redacted, on the handle that spawned only", async () => {
    const { spawn, atlas } = scene();
    const compute = await spawn({ env: { MODEL: "llama-secret" } });
    expect(compute.raw).toMatchObject({ providerId: "mock-1", env: { MODEL: "[redacted]" } });
    expect((await atlas.getCompute(compute.id)).raw).toBeUndefined();
  });
});

describe("a port's URL", () => {
  it("is the outside's, with the path", async () => {
    const compute = await scene().spawn({ ports: [8000, "22/tcp"] });
    expect(compute.url(8000)).toBe("https://mock-1-8000.mock.invalid");
    expect(compute.url(8000, "/v1?x=1")).toBe("https://mock-1-8000.mock.invalid/v1?x=1");
  });

  it("is refused for a port that was not asked for, naming those that were", async () => {
    const { spawn } = scene();
    const some = await spawn({ ports: [8000, 9000] });
    expect(await refusal(() => some.url(80))).toMatchObject({
      code: "VALIDATION",
      message: expect.stringContaining("8000, 9000"),
    });
    const none = await spawn({ ports: [] });
    expect(await refusal(() => none.url(8000))).toMatchObject({
      code: "VALIDATION",
      message: expect.stringContaining("port: got 8000; allowed: none: the request asked for no ports"),
    });
  });

  it.each([
    ["v1"],
    ["//evil.example"],
    ["/a b"],
    ["/\\evil.example"],
    ["https://evil.example"],
    ["@evil.example"],
    [7],
    [null],
  ])("takes no %j for a path", async (path) => {
    const compute = await scene().spawn({ ports: [8000] });
    const error = await refusal(() => compute.url(8000, path as string));
    expect(error).toMatchObject({ code: "VALIDATION", message: expect.stringContaining("path: got") });
  });

  it("keeps a query string out of its error", async () => {
    const compute = await scene().spawn({ ports: [8000] });
    expect((await refusal(() => compute.url(8000, "v1?token=s3cret"))).message).not.toContain("s3cret");
  });

  it("is a CONFLICT, to be tried again, while the address is not known", async () => {
    const { spawn, settle } = scene({ mock: { bootSeconds: 5 } });
    const compute = await spawn({ ports: ["22/tcp"] });
    expect(await refusal(() => compute.url(22))).toMatchObject({
      code: "CONFLICT",
      retryable: true,
      computeId: compute.id,
    });
    await settle(compute.waitUntilReady());
    expect(compute.url(22)).toMatch(/^tcp:\/\/203\.0\.113\.1:\d+$/);
  });

  it("is UNSUPPORTED where only requests with a header reach it, and the port says which", async () => {
    const clock = manualClock();
    const provider = mock({ clock });
    const headers = { "fly-force-instance-id": "m1" };
    const routed: Provider = {
      ...provider,
      create: async (...call) => {
        const instance = await provider.create(...call);
        return { ...instance, ports: instance.ports.map((port) => ({ ...port, headers })) };
      },
    };
    const compute = await scene({ clock, providers: [routed] }).spawn({ ports: [8000] });
    expect(compute.ports).toMatchObject([{ headers }]);
    const error = await refusal(() => compute.url(8000));
    expect(error).toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("fly-force-instance-id"),
    });
  });
});

describe("a signed URL", () => {
  const request = { ports: [8000], auth: "signed-url" } as const;

  it("opens the path for as long as it was made for, to whoever has the pod's secret", async () => {
    const { spawn, provider, clock } = scene();
    const compute = await spawn(request);
    const secret = provider.instances[0]?.env.ATLAS_SIGNING_SECRET ?? "";
    expect(compute.auth).toMatchObject({ schemes: ["signed-url"], signingSecret: secret });
    expect(compute.auth?.token).toBeUndefined();
    const url = compute.signUrl(8000, "/video.m3u8?b=2&a=1", { expiresInSeconds: 600 });
    expect(url).toMatch(/^https:\/\/mock-1-8000\.mock\.invalid\/video\.m3u8\?/);
    const end = clock.now().getTime() / 1000 + 600;
    expect(verifySignedUrl(url, { secret, now: end })).toMatchObject({ ok: true });
    expect(verifySignedUrl(url, { secret, now: end + 1 })).toEqual({ ok: false, reason: "expired" });
    expect(verifySignedUrl(url.replace("video", "other"), { secret, now: end })).toEqual({
      ok: false,
      reason: "bad_signature",
    });
  });

  it("can be made at any time with a signing key, from which the pod's secret follows", async () => {
    const { spawn, provider, atlas, clock } = scene({ signingKey });
    const compute = await spawn(request);
    const secret = deriveSigningSecret(signingKey, compute.id);
    expect(provider.instances[0]?.env.ATLAS_SIGNING_SECRET).toBe(secret);
    const now = clock.now();
    const read = await atlas.getCompute(compute.id);
    for (const url of [
      read.signUrl(8000, "/a"),
      await atlas.signUrl(compute.id, 8000, "/a"),
      compute.signUrl(8000, "/a"),
    ])
      expect(verifySignedUrl(url, { secret, now })).toMatchObject({ ok: true });
  });

  it("can be made by the handle that spawned alone when there is no signing key, and the error says what to set", async () => {
    const { spawn, atlas, failure } = scene();
    const compute = await spawn(request);
    expect(() => compute.signUrl(8000, "/a")).not.toThrow();
    const errors = [
      await failure(atlas.signUrl(compute.id, 8000, "/a")),
      await refusal(async () => (await atlas.getCompute(compute.id)).signUrl(8000, "/a")),
    ];
    for (const error of errors)
      expect(error).toMatchObject({
        code: "KEY_UNAVAILABLE",
        computeId: compute.id,
        message: expect.stringContaining("signingKey"),
      });
  });

  it("is refused for a compute that takes none, for a port that was not asked for, and for a lifetime that is none", async () => {
    const { spawn } = scene();
    const bearer = await spawn({ ports: [8000] });
    expect(await refusal(() => bearer.signUrl(8000, "/a"))).toMatchObject({
      code: "VALIDATION",
      message: expect.stringContaining("signed-url"),
    });
    const signed = await spawn({ ...request, ports: [8000, "22/tcp"] });
    for (const port of [80, 22])
      expect(await refusal(() => signed.signUrl(port, "/a"))).toMatchObject({ code: "VALIDATION" });
    for (const expiresInSeconds of [0, -1, 1.5, 31_536_001, Number.NaN])
      expect(await refusal(() => signed.signUrl(8000, "/a", { expiresInSeconds }))).toMatchObject({
        code: "VALIDATION",
      });
    expect(await refusal(() => signed.signUrl(8000, "/a", { expires: 1 } as never))).toMatchObject({
      code: "VALIDATION",
    });
  });
});

describe("leaving an await using block", () => {
  async function leave(compute: Compute, { settle }: Scene): Promise<void> {
    await settle(
      (async () => {
        await using _ = compute;
      })(),
    );
  }

  it("terminates what spawnCompute returned", async () => {
    const world = scene();
    const compute = await world.spawn();
    await leave(compute, world);
    expect(compute.status).toBe("terminated");
    expect(world.alive()).toEqual([]);
  });

  it("keeps it after detach()", async () => {
    const world = scene();
    const compute = await world.spawn();
    await leave(compute.detach(), world);
    expect(world.alive()).toHaveLength(1);
  });

  it("keeps what was read, and what an earlier call spawned, whatever protects it", async () => {
    const world = scene();
    const { atlas, spawn, alive } = world;
    const first = await spawn({ auth: "none", idempotencyKey: "key" });
    const again = await spawn({ auth: "none", idempotencyKey: "key" });
    expect([again.id, again.isNew]).toEqual([first.id, false]);
    await leave(again, world);
    await leave(await atlas.getCompute(first.id), world);
    expect(alive()).toHaveLength(1);
  });
});
