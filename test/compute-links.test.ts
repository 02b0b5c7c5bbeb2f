import { describe, expect, it } from "vitest";
import {
  generationSecret,
  verifyOpeningLink,
  verifySignedPrefix,
  verifySignedUrl,
} from "../src/auth/index.ts";
import type { Compute } from "../src/compute.ts";
import type { SpawnRequest } from "../src/request.ts";
import { failureOf, scene } from "./support/scene.ts";

const oldKey = "0123456789abcdef0123456789abcdef";
const newKey = "fedcba9876543210fedcba9876543210";
const request: SpawnRequest = { ports: [8000, "22/tcp"], auth: ["bearer", "signed-url", "cookie"] };
const controlUrl = "https://app.example/atlas";

function secretOf(compute: Compute): string {
  return compute.auth?.signingSecret ?? "";
}

describe("a compute's links", () => {
  it("are told to its pod with the accepted schemes", async () => {
    const { spawn, provider } = scene();
    await spawn(request);
    await spawn({ auth: "cookie", ports: [8000] });
    await spawn({ auth: "none", ports: [8000] });
    const envs = provider.instances.map(({ env }) => env);
    expect(envs.map(({ ATLAS_AUTH }) => ATLAS_AUTH)).toEqual([
      "bearer,signed-url,cookie",
      "cookie",
      undefined,
    ]);
    expect(envs.map(({ ATLAS_SIGNING_SECRET }) => typeof ATLAS_SIGNING_SECRET)).toEqual([
      "string",
      "string",
      "undefined",
    ]);
    expect(envs.map(({ ATLAS_PRESHARED_KEY }) => typeof ATLAS_PRESHARED_KEY)).toEqual([
      "string",
      "undefined",
      "undefined",
    ]);
  });

  it("open a folder", async () => {
    const { spawn, clock } = scene();
    const compute = await spawn(request);
    const folder = compute.signPrefix(8000, "/hls/42/", { expiresInSeconds: 60 });
    expect(folder).toMatch(/^https:\/\/mock-1-8000\.mock\.invalid\/\.atlas\/\d+\.2\.[\w-]{43}\/hls\/42\/$/);
    const options = { secret: secretOf(compute), now: clock.now() };
    expect(verifySignedPrefix(new URL("a.ts", folder).pathname, options)).toMatchObject({ ok: true });
  });

  it("open a tab at the pod's public origin, at a path in canonical form", async () => {
    const { spawn, clock } = scene();
    const compute = await spawn(request);
    const link = new URL(compute.openUrl(8000, "/l%61b?x=%20"));
    const options = { secret: secretOf(compute), now: clock.now() };
    expect(verifyOpeningLink(link.search.slice(1), options)).toEqual({
      ok: true,
      at: "https://mock-1-8000.mock.invalid",
      to: "/lab?x=%20",
      seconds: 28_800,
    });
    expect(link.searchParams.get("exp")).toBe(String(clock.now().getTime() / 1000 + 60));
  });

  it("end with a revocation, and new ones begin", async () => {
    const { spawn, atlas, clock } = scene({ controlUrl, signingKey: oldKey });
    const compute = await spawn(request);
    const before = compute.signUrl(8000, "/a");
    const next = generationSecret(secretOf(compute), 1);
    await atlas.revokeToken(compute.id);
    await compute.refresh();
    const now = clock.now();
    expect(verifySignedUrl(before, { secret: next, now })).toMatchObject({ ok: false });
    for (const url of [compute.signUrl(8000, "/a"), await atlas.signUrl(compute.id, 8000, "/a")])
      expect(verifySignedUrl(url, { secret: next, now })).toMatchObject({ ok: true });
  });

  it("are signed by the key that their compute was spawned under, while keys are rotated", async () => {
    const first = scene({ signingKey: oldKey });
    const { store, clock } = first;
    const old = await first.spawn(request);
    const second = scene({ store, clock, signingKey: [newKey, oldKey] });
    const young = await second.spawn(request);
    for (const compute of [old, young]) {
      const url = await second.atlas.signUrl(compute.id, 8000, "/a");
      expect(verifySignedUrl(url, { secret: secretOf(compute), now: clock.now() })).toMatchObject({
        ok: true,
      });
    }
    const third = scene({ store, clock, signingKey: newKey });
    expect(await third.failure(third.atlas.signUrl(old.id, 8000, "/a"))).toMatchObject({
      code: "KEY_UNAVAILABLE",
      message: expect.stringContaining("under another signing key"),
    });
  });

  it("are refused where the compute does not take them, for a tcp port, and for a path that is none", async () => {
    const { spawn } = scene();
    const bearer = await spawn({ ports: [8000] });
    const all = await spawn(request);
    const attempts = [
      () => bearer.signPrefix(8000, "/a/"),
      () => bearer.openUrl(8000),
      () => all.signPrefix(22, "/a/"),
      () => all.openUrl(22),
      () => all.openUrl(8000, "/a/../b"),
      () => all.openUrl(8000, "/a", { expiresInSeconds: 301 }),
      () => all.signPrefix(8000, "/a"),
      () => all.signUrl(8000, "/.atlas/x"),
    ];
    for (const attempt of attempts)
      expect(await failureOf(new Promise((resolve) => resolve(attempt())))).toMatchObject({
        code: "VALIDATION",
      });
  });
});
