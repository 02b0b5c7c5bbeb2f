import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashToken, mintToken } from "../../src/auth/index.ts";
import { scene } from "../support/scene.ts";

const oneMegabyte = "x".repeat(1_000_000);
const junk: readonly unknown[] = [
  ...[
    undefined,
    null,
    "",
    " ",
    0,
    42,
    1n,
    true,
    {},
    [],
    () => undefined,
    Symbol("token"),
    Number.NaN,
    new Date(),
  ],
  ...[
    "ü".repeat(43),
    "\0",
    "a b",
    "Bearer x",
    "' or 1=1 --",
    oneMegabyte,
    { toString: () => "x" },
    mintToken().token,
  ],
];

describe("a token", () => {
  it("finds the compute it opens, and opens no other", async () => {
    const { spawn, atlas } = scene();
    const [one, two] = [await spawn({ userId: "u1" }), await spawn({ userId: "u2" })];
    const token = one.auth?.token;
    expect(await atlas.findByToken(token)).toMatchObject({ id: one.id, userId: "u1" });
    expect(await atlas.verifyToken(one.id, token)).toBe(true);
    expect(await atlas.verifyToken(two.id, token)).toBe(false);
  });

  it("is not its hash, nor any text near it", async () => {
    const { spawn, atlas } = scene();
    const { id, auth } = await spawn();
    const token = auth?.token ?? "";
    for (const candidate of [
      auth?.hash,
      auth?.header,
      `${token} `,
      ` ${token}`,
      `${token}=`,
      token.slice(1),
      token.toUpperCase(),
    ])
      expect(await atlas.verifyToken(id, candidate)).toBe(false);
  });

  it.each(junk.map((value) => [value]))("is never found for junk (%#)", async (candidate) => {
    const { spawn, atlas } = scene();
    const { id } = await spawn();
    expect(await atlas.verifyToken(id, candidate)).toBe(false);
    expect(await atlas.findByToken(candidate)).toBeUndefined();
    expect(await atlas.findByPodToken(candidate)).toBeUndefined();
  });

  it("opens no compute that is not named", async () => {
    const { atlas } = scene();
    for (const id of [undefined, null, ""])
      expect(await atlas.verifyToken(id as string, mintToken().token)).toBe(false);
  });

  it("is never found for anything random, and never throws", async () => {
    const { spawn, atlas } = scene();
    const { id } = await spawn();
    await fc.assert(
      fc.asyncProperty(
        fc.anything({ withBigInt: true, withNullPrototype: true }),
        fc.anything(),
        async (candidate, computeId) => {
          expect(await atlas.verifyToken(computeId as string, candidate)).toBe(false);
          expect(await atlas.verifyToken(id, candidate)).toBe(false);
        },
      ),
    );
  });

  it("opens nothing any more when its compute has ended", async () => {
    const { spawn, atlas, settle } = scene();
    const { id, auth } = await spawn();
    await settle(atlas.terminate(id));
    expect(await atlas.verifyToken(id, auth?.token)).toBe(false);
    expect(await atlas.findByToken(auth?.token)).toBeUndefined();
  });

  it("opens while its compute is stopped, and only in its namespace", async () => {
    const { spawn, atlas, settle, clock, store } = scene();
    const compute = await spawn();
    await settle(compute.waitUntilReady());
    await settle(atlas.stop(compute.id));
    expect(await atlas.verifyToken(compute.id, compute.auth?.token)).toBe(true);
    const other = scene({ clock, store, namespace: "other" });
    expect(await other.atlas.findByToken(compute.auth?.token)).toBeUndefined();
  });
});

describe("a pod's own credential", () => {
  it("finds its compute, and is no user's token", async () => {
    const { spawn, atlas, provider } = scene({ controlUrl: "https://app.example/atlas///" });
    const { id, auth } = await spawn();
    const { ATLAS_POD_TOKEN: podToken, ATLAS_CONTROL_URL: url } = provider.instances[0]?.env ?? {};
    expect(url).toBe("https://app.example/atlas");
    expect(podToken).not.toBe(auth?.token);
    expect((await atlas.findByPodToken(podToken))?.id).toBe(id);
    expect(await atlas.findByToken(podToken)).toBeUndefined();
    expect(await atlas.findByPodToken(auth?.token)).toBeUndefined();
  });

  it("is there without any other protection, too, and only with a control plane", async () => {
    const withPlane = scene({ controlUrl: "https://app.example" });
    await withPlane.spawn({ auth: "none" });
    expect(withPlane.provider.instances[0]?.env).toHaveProperty("ATLAS_POD_TOKEN");
    const without = scene();
    await without.spawn();
    expect(without.provider.instances[0]?.env).not.toHaveProperty("ATLAS_POD_TOKEN");
  });
});

describe("rotating a token", () => {
  it("tells a new one once, and lets the old one run out", async () => {
    const { spawn, atlas, clock, events } = scene();
    const { id, auth } = await spawn();
    const { token, hash, header } = await atlas.rotateToken(id, { overlapSeconds: 60 });
    expect([hash, header]).toEqual([hashToken(token), `Authorization: Bearer ${token}`]);
    expect(await Promise.all([token, auth?.token].map((one) => atlas.verifyToken(id, one)))).toEqual([
      true,
      true,
    ]);
    await clock.advance(60);
    expect(await Promise.all([token, auth?.token].map((one) => atlas.verifyToken(id, one)))).toEqual([
      true,
      false,
    ]);
    expect((await atlas.getCompute(id)).auth?.hash).toBe(hash);
    const told = await events(id);
    expect(told.at(-1)).toMatchObject({ type: "token" });
    expect(JSON.stringify(told)).not.toContain(token);
  });

  it("ends the old one at once without an overlap", async () => {
    const { spawn, atlas } = scene();
    const { id, auth } = await spawn();
    await atlas.rotateToken(id, { overlapSeconds: 0 });
    expect(await atlas.verifyToken(id, auth?.token)).toBe(false);
  });

  it("leaves the pod's own credential as it is", async () => {
    const { spawn, atlas, provider } = scene({ controlUrl: "https://app.example" });
    const { id } = await spawn();
    await atlas.rotateToken(id, { overlapSeconds: 0 });
    await atlas.revokeToken(id);
    expect((await atlas.findByPodToken(provider.instances[0]?.env.ATLAS_POD_TOKEN))?.id).toBe(id);
  });

  it("keeps every token of callers at the same time", async () => {
    const { spawn, atlas, settle } = scene();
    const { id } = await spawn();
    const rotated = await settle(Promise.all(Array.from({ length: 10 }, () => atlas.rotateToken(id))));
    for (const { token } of rotated) expect(await atlas.verifyToken(id, token)).toBe(true);
  });

  it("is refused without a bearer token, after the end, and for a lifetime that is none", async () => {
    const { spawn, atlas, failure, settle } = scene();
    const signed = await spawn({ auth: "signed-url" });
    expect(await failure(atlas.rotateToken(signed.id))).toMatchObject({ code: "VALIDATION" });
    const bearer = await spawn();
    for (const overlapSeconds of [-1, 0.5, 86_401])
      expect(await failure(atlas.rotateToken(bearer.id, { overlapSeconds }))).toMatchObject({
        code: "VALIDATION",
      });
    await settle(atlas.terminate(bearer.id));
    expect(await failure(atlas.rotateToken(bearer.id))).toMatchObject({ code: "CONFLICT" });
  });

  it("is undone by revoking: nothing opens any more until the next one", async () => {
    const { spawn, atlas } = scene();
    const { id, auth } = await spawn();
    const { token } = await atlas.rotateToken(id);
    await atlas.revokeToken(id);
    expect(await Promise.all([token, auth?.token].map((one) => atlas.verifyToken(id, one)))).toEqual([
      false,
      false,
    ]);
    const next = await atlas.rotateToken(id);
    expect(await atlas.verifyToken(id, next.token)).toBe(true);
  });
});
