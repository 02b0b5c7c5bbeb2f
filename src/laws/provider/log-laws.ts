/** Laws of `logs`. */
import assert from "node:assert/strict";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import type { Laws, Scene } from "./scene.ts";

export const logLaws: Laws = (law, { methods }) => {
  if (!methods.includes("logs")) return;

  law("logs give the last lines, oldest first, and end", async (scene) => {
    const created = await scene.createShown();
    for (const line of ["first", "second", "third"]) scene.subject.log?.(created.providerId, line);
    await scene.eventually("there are lines", async () => (await read(scene, created, 1000)).length > 0);
    const all = await read(scene, created, 1000);
    const last = await read(scene, created, 2);
    assert.deepEqual(
      last.map(({ line }) => line),
      all.slice(-2).map(({ line }) => line),
    );
    if (scene.subject.log)
      assert.deepEqual(
        last.map(({ line }) => line),
        ["second", "third"],
      );
  });

  law("logs that follow end without an error when the instance is gone", async (scene) => {
    const created = await scene.createShown();
    const reading = Promise.allSettled([collect(scene, created, { tail: 10, follow: true })]);
    await scene.terminate(created);
    const [outcome] = await scene.settle(reading);
    assert.equal(outcome.status, "fulfilled");
  });

  law("logs of an instance that does not exist are none", async (scene) => {
    const options = { tail: 10, follow: true };
    assert.deepEqual(await scene.settle(collect(scene, { name: scene.name() }, options)), []);
  });
};

function read(scene: Scene, reference: InstanceReference, tail: number): Promise<readonly LogLine[]> {
  return scene.settle(collect(scene, reference, { tail, follow: false }));
}

async function collect(
  scene: Scene,
  reference: InstanceReference,
  options: LogOptions,
): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of scene.provider.logs?.(reference, options, scene.context()) ?? []) lines.push(line);
  return lines;
}
