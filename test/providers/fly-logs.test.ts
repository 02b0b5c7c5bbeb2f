import { describe, expect, test } from "vitest";
import type { Instance, LogLine, LogOptions } from "../../src/provider.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import { createRequest, type FlyScene, flyScene, quietContext } from "./fly-subject.ts";

async function running(scene: FlyScene): Promise<Instance> {
  const created = await scene.clock.settle(scene.provider.create(createRequest(), quietContext()));
  await scene.clock.advance(30);
  return created;
}

function write({ fake, clock }: FlyScene, { providerId }: Instance, message: string, provider = "app"): void {
  fake.machine(providerId).logs.push({ at: clock.now().getTime(), message, provider });
}

async function read(
  scene: FlyScene,
  reference: Instance,
  options: LogOptions,
  context = quietContext(),
): Promise<readonly LogLine[]> {
  const collect = async (): Promise<readonly LogLine[]> =>
    Array.fromAsync(scene.provider.logs(reference, options, context));
  return scene.clock.settle(collect());
}

describe("logs", () => {
  test("say when, and whether the program wrote it or Fly", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    write(scene, created, "Pulling container image", "runner");
    write(scene, created, "listening");
    const at = scene.clock.now();
    expect(await read(scene, created, { tail: 10, follow: false })).toEqual([
      { line: "Pulling container image", source: "system", at },
      { line: "listening", source: "container", at },
    ]);
  });

  test("are the last lines, whatever a page holds", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    for (let line = 1; line <= 250; line += 1) write(scene, created, `line ${line}`);
    const lines = await read(scene, created, { tail: 3, follow: false });
    expect(lines.map(({ line }) => line)).toEqual(["line 248", "line 249", "line 250"]);
    expect(await read(scene, created, { tail: 0, follow: false })).toEqual([]);
  });

  test("are of this machine only", async () => {
    await using scene = await flyScene({ app: "computes" });
    const created = await running(scene);
    const other = await scene.clock.settle(
      scene.provider.create({ ...createRequest(), name: "atlas-default-x" }, quietContext()),
    );
    write(scene, other, "another program's");
    write(scene, created, "mine");
    const lines = await read(scene, created, { tail: 10, follow: false });
    expect(lines.map(({ line }) => line)).toEqual(["mine"]);
  });

  test("that follow give every line once, until the instance is gone", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    write(scene, created, "before");
    const reading = read(scene, created, { tail: 10, follow: true });
    await scene.clock.advance(5);
    write(scene, created, "meanwhile");
    await scene.clock.advance(5);
    await scene.clock.settle(scene.provider.terminate(created, quietContext()));
    expect((await reading).map(({ line }) => line)).toEqual(["before", "meanwhile"]);
  });

  test("that follow end without an error when the caller gives up", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    write(scene, created, "before");
    const giveUp = new AbortController();
    const context = { ...quietContext(), signal: giveUp.signal };
    const reading = Array.fromAsync(scene.provider.logs(created, { tail: 10, follow: true }, context));
    await scene.clock.advance(5);
    giveUp.abort();
    expect((await reading).map(({ line }) => line)).toEqual(["before"]);
  });

  test("throw when they cannot be read", async () => {
    await using scene = await flyScene();
    const created = await running(scene);
    scene.fake.fault("logs", flyRefusals.forbidden);
    await expect(read(scene, created, { tail: 10, follow: false })).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
  });
});
