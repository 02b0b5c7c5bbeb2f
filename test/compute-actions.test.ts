import { describe, expect, it } from "vitest";
import { hashToken } from "../src/auth/index.ts";
import { surround } from "./support/intercept.ts";
import { type Scene, scene } from "./support/scene.ts";

async function running(world: Scene): ReturnType<Scene["spawn"]> {
  const compute = await world.spawn({ gpu: "h100", ports: [8000], idleTimeoutSeconds: 600 });
  return world.settle(compute.waitUntilReady());
}

describe("a method of a handle", () => {
  it("moves the handle that it was called on, and returns it", async () => {
    const world = scene();
    const compute = await running(world);
    expect(await world.settle(compute.stop())).toBe(compute);
    expect(compute).toMatchObject({ status: "stopped", idleDeadline: null });
    expect(await world.settle(compute.start())).toBe(compute);
    expect(compute.status).toBe("provisioning");
    expect(await world.settle(compute.waitUntilReady())).toBe(compute);
    expect(await world.settle(compute.terminate())).toBe(compute);
    expect(compute).toMatchObject({ status: "terminated", reason: "requested" });
    expect(world.alive()).toEqual([]);
  });

  it("touches: the idle deadline that the handle shows moves", async () => {
    const world = scene();
    const compute = await running(world);
    const before = compute.idleDeadline?.getTime() ?? 0;
    await world.clock.advance(60);
    await world.settle(compute.touch());
    expect(compute.idleDeadline?.getTime()).toBe(before + 60_000);
  });

  it("refreshes: the handle shows the changes of another client, and the cost up to now", async () => {
    const world = scene();
    const compute = await running(world);
    await world.clock.advance(1800);
    expect(compute.costSoFar).toBe(0);
    await world.settle(world.atlas.stop(compute.id));
    expect(compute.status).toBe("running");
    expect(await world.settle(compute.refresh())).toBe(compute);
    expect(compute.status).toBe("stopped");
    expect(compute.costSoFar).toBeGreaterThan(0);
  });

  it("rotates the token: the handle has the new one, and the old one ends", async () => {
    const world = scene();
    const { atlas, settle } = world;
    const compute = await running(world);
    const old = compute.auth?.token;
    const { token, hash } = await settle(compute.rotateToken({ overlapSeconds: 0 }));
    expect(compute.auth).toMatchObject({ token, hash, headers: { authorization: `Bearer ${token}` } });
    expect(hash).toBe(hashToken(token));
    expect(await atlas.verifyToken(compute.id, token)).toBe(true);
    expect(await atlas.verifyToken(compute.id, old)).toBe(false);
    const read = await atlas.getCompute(compute.id);
    await settle(read.rotateToken());
    expect(await atlas.findByToken(read.auth?.token)).toMatchObject({ id: compute.id });
    expect(JSON.stringify(read)).not.toContain(read.auth?.token);
  });

  it("reads its log lines and its events; at an event of its status the handle shows the status", async () => {
    const world = scene();
    const compute = await running(world);
    world.provider.log(compute.name, "listening");
    const lines = await world.settle(Array.fromAsync(compute.logs({ tail: 5 })));
    expect(lines).toEqual(await world.settle(Array.fromAsync(world.atlas.logs(compute.id, { tail: 5 }))));
    expect(lines.map(({ line }) => line)).toContain("listening");
    await world.settle(world.atlas.terminate(compute.id));
    expect(compute.status).toBe("running");
    const seen = await world.settle(Array.fromAsync(compute.events()));
    expect(seen.at(-1)).toMatchObject({ computeId: compute.id, status: "terminated" });
    expect(compute.status).toBe("terminated");
  });

  it("never moves the handle back, when the answer of an earlier change comes late", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let late: Promise<void> | undefined;
    const world = scene({
      through: (store) =>
        surround(store, ["replace"], async (call) => {
          const delay = late;
          late = undefined;
          const done = await call();
          await delay;
          return done;
        }),
    });
    const compute = await running(world);
    late = promise;
    const touched = compute.touch();
    await world.settle(compute.terminate());
    resolve();
    await world.settle(touched);
    expect(compute.status).toBe("terminated");
  });

  it("fails with the code of the client's method, and leaves the handle as it is", async () => {
    const world = scene({ mock: { bootSeconds: 100 } });
    const compute = await world.spawn({});
    expect(await world.failure(compute.stop())).toMatchObject({ code: "CONFLICT", computeId: compute.id });
    expect(compute.status).toBe("provisioning");
    await world.settle(compute.terminate());
    expect(await world.failure(compute.touch())).toMatchObject({ code: "CONFLICT" });
    expect(await world.failure(compute.rotateToken())).toMatchObject({ code: "CONFLICT" });
  });
});
