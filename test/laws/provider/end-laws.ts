/** Laws of `terminate`, `stop`, `start`, `logs` and `close`. */
import assert from "node:assert/strict";
import type { InstanceReference, LogLine, LogOptions } from "../../../src/provider.ts";
import type { Laws, Scene } from "./scene.ts";

export const endLaws: Laws = (law, traits) => {
  law("terminate ends the instance for good", async (scene) => {
    const created = await scene.createShown();
    await scene.terminate(created);
    await gone(scene, created);
    assert.deepEqual(await scene.alive(), []);
    assert.deepEqual(await scene.list(), []);
  });

  law("terminate of what is ending, has ended, or never was, is success", async (scene) => {
    const created = await scene.createShown();
    await scene.terminate(created);
    await scene.terminate(created);
    await gone(scene, created);
    await scene.terminate(created);
    await scene.terminate({ name: created.name });
    await scene.terminate({ name: scene.name() });
  });

  law("terminate ends nothing but what it names", async (scene) => {
    const [short, long] = [scene.name("x1"), scene.name("x10")];
    await scene.create({ name: long });
    const target = await scene.createShown({ name: short });
    await scene.terminate({ name: short });
    await gone(scene, target);
    assert.deepEqual(
      (await scene.alive()).map(({ name }) => name),
      [long],
    );
    await scene.terminate({ name: short });
    assert.deepEqual(
      (await scene.alive()).map(({ name }) => name),
      [long],
    );
  });

  if (traits.duplicateNames !== false) {
    law("terminate with an id ends that instance only", async (scene) => {
      const name = scene.name();
      const first = await scene.create({ name });
      const second = await scene.createShown({ name });
      await scene.terminate(first);
      await gone(scene, first);
      assert.deepEqual(
        (await scene.alive()).map(({ providerId }) => providerId),
        [second.providerId],
      );
    });

    law("terminate by name alone ends every instance of that name", async (scene) => {
      const name = scene.name();
      await scene.create({ name });
      await scene.createShown({ name });
      await scene.terminate({ name });
      await scene.eventually("both are gone", async () => (await scene.alive()).length === 0);
    });
  }

  law("close ends no instance", async (scene) => {
    await scene.create();
    await scene.provider.close?.();
    assert.equal((await scene.alive()).length, 1);
  });

  if (traits.methods.includes("stop") && traits.methods.includes("start"))
    law("a stopped instance can be started again, and doing either twice is success", async (scene) => {
      const created = await scene.createShown();
      for (const [method, status] of [
        ["stop", "stopped"],
        ["start", "running"],
      ] as const) {
        await reach(scene, created, method === "stop" ? "running" : "stopped");
        await scene.settle(scene.provider[method]?.(created, scene.context()) ?? missing(method));
        await reach(scene, created, status);
        assert.equal((await scene.list()).length, 1, `it is listed while it is ${status}`);
        await scene.settle(scene.provider[method]?.(created, scene.context()) ?? missing(method));
        assert.equal((await scene.get(created))?.status, status);
      }
      assert.equal((await scene.alive()).length, 1);
    });

  if (traits.methods.includes("logs")) {
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
  }
};

/** Waits until the provider itself says that the instance is no more. */
async function gone(scene: Scene, { name, providerId = "" }: InstanceReference): Promise<void> {
  await scene.eventually("it is gone", async () => {
    const status = (await scene.get({ name, providerId }))?.status ?? "terminated";
    return status === "terminated";
  });
}

async function reach(
  scene: Scene,
  { name, providerId = "" }: InstanceReference,
  status: string,
): Promise<void> {
  await scene.eventually(
    `it is ${status}`,
    async () => (await scene.get({ name, providerId }))?.status === status,
  );
}

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

function missing(method: string): Promise<never> {
  return Promise.reject(new Error(`the provider has no ${method}`));
}
