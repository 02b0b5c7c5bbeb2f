import { describe, expect, it } from "vitest";
import { type Scene, scene } from "../support/scene.ts";

const controlUrl = "https://app.example/atlas";

async function tokenEvents({ events }: Scene, id: string): Promise<unknown[]> {
  return (await events(id)).filter(({ type }) => type === "token").map(({ data }) => data);
}

describe("addToken", () => {
  it("makes a token beside the first one, which stays the application's own", async () => {
    const stage = scene({ controlUrl });
    const { id, auth } = await stage.spawn();
    const added = await stage.atlas.addToken(id);
    expect(await stage.atlas.verifyToken(id, added.token)).toBe(true);
    expect(await stage.atlas.verifyToken(id, auth?.token)).toBe(true);
    expect((await stage.atlas.getCompute(id)).auth?.hash).toBe(auth?.hash);
    expect(await tokenEvents(stage, id)).toEqual([{ action: "added", hash: added.hash }]);
  });

  it("keeps 16 live tokens: the oldest added one ends, and never the spawn's own", async () => {
    const { spawn, atlas } = scene();
    const { id, auth } = await spawn();
    const added = [];
    for (let count = 0; count < 17; count += 1) added.push(await atlas.addToken(id));
    const [first, second, third] = added;
    const accepted = (token?: string): Promise<boolean> => atlas.verifyToken(id, token);
    expect(await Promise.all([first, second, third].map((one) => accepted(one?.token)))).toEqual([
      false,
      false,
      true,
    ]);
    expect(await accepted(auth?.token)).toBe(true);
    expect(await accepted(added.at(-1)?.token)).toBe(true);
    expect((await atlas.getCompute(id)).tokens).toHaveLength(16);
  });

  it("counts only tokens that are still valid", async () => {
    const { spawn, atlas, clock } = scene();
    const { id } = await spawn();
    for (let count = 0; count < 15; count += 1) await atlas.addToken(id);
    await atlas.rotateToken(id, { overlapSeconds: 60 });
    await clock.advance(60);
    await atlas.addToken(id);
    expect((await atlas.getCompute(id)).tokens).toHaveLength(2);
  });

  it("is refused for a compute without bearer tokens, and after its end", async () => {
    const { spawn, atlas, failure, settle } = scene();
    const [signed, ended] = [await spawn({ auth: "signed-url" }), await spawn()];
    await settle(atlas.terminate(ended.id));
    expect(await failure(atlas.addToken(signed.id))).toMatchObject({ code: "VALIDATION" });
    expect(await failure(atlas.addToken(ended.id))).toMatchObject({ code: "CONFLICT" });
  });
});

describe("rotateToken", () => {
  it("ends every other token after its overlap, added ones too", async () => {
    const stage = scene({ controlUrl });
    const { atlas, clock } = stage;
    const { id, auth } = await stage.spawn();
    const added = await atlas.addToken(id);
    const rotated = await atlas.rotateToken(id, { overlapSeconds: 60 });
    const accepted = (): Promise<boolean[]> =>
      Promise.all([auth?.token, added.token, rotated.token].map((token) => atlas.verifyToken(id, token)));
    expect(await accepted()).toEqual([true, true, true]);
    await clock.advance(60);
    expect(await accepted()).toEqual([false, false, true]);
    expect((await tokenEvents(stage, id)).at(-1)).toEqual({ action: "rotated", hash: rotated.hash });
  });
});

describe("revokeToken", () => {
  it("ends every token and begins a generation, where a control plane can tell the pod", async () => {
    const stage = scene({ controlUrl });
    const { id, auth } = await stage.spawn();
    const added = await stage.atlas.addToken(id);
    await stage.atlas.revokeToken(id);
    expect(await stage.atlas.verifyToken(id, auth?.token)).toBe(false);
    expect(await stage.atlas.verifyToken(id, added.token)).toBe(false);
    expect((await stage.record(id)).generation).toBe(1);
    expect((await tokenEvents(stage, id)).at(-1)).toEqual({ action: "revoked", hash: null });
  });

  it("keeps the generation of a pod that nothing can tell of it", async () => {
    const stage = scene();
    const { id } = await stage.spawn({ auth: "signed-url" });
    await stage.atlas.revokeToken(id);
    expect((await stage.record(id)).generation).toBe(0);
  });

  it("is refused for a compute without any protection", async () => {
    const { spawn, atlas, failure } = scene();
    const { id } = await spawn({ auth: "none" });
    expect(await failure(atlas.revokeToken(id))).toMatchObject({ code: "VALIDATION" });
  });
});

describe("a change of tokens that the pod cannot hear of", () => {
  it("is told in its event and in the log, so that the caller does not wait for the guard", async () => {
    const warnings: string[] = [];
    const warn = (message: string): number => warnings.push(message);
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const stage = scene({ logger });
    const { id } = await stage.spawn();
    await stage.atlas.addToken(id);
    await stage.atlas.rotateToken(id);
    await stage.atlas.revokeToken(id);
    const message = expect.stringContaining("the pod started without a controlUrl");
    expect(await tokenEvents(stage, id)).toMatchObject([
      { action: "added", message },
      { action: "rotated", message },
      { action: "revoked", message },
    ]);
    expect(warnings.filter((line) => line.startsWith(`the tokens of compute ${id} changed`))).toHaveLength(3);
  });
});
