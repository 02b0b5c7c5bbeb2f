/** Laws of `terminate` and `close`. */
import assert from "node:assert/strict";
import type { InstanceReference } from "../../provider.ts";
import type { Law, Laws, Scene } from "./scene.ts";
import type { ProviderTraits } from "./subject.ts";

export const endLaws: Laws = (law, traits) => {
  endingLaws(law);
  duplicateLaws(law, traits);
  closeLaws(law);
};

function endingLaws(law: Law): void {
  law("terminate ends the instance for good", async (scene) => {
    const created = await scene.createShown();
    await scene.terminate(created);
    await gone(scene, created);
    assert.deepEqual(await scene.alive(), []);
    assert.deepEqual(await scene.list(), []);
  });

  law("terminate of an instance that is ending, has ended or never existed is success", async (scene) => {
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
}

function duplicateLaws(law: Law, traits: ProviderTraits): void {
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
}

function closeLaws(law: Law): void {
  law("close ends no instance", async (scene) => {
    await scene.create();
    await scene.provider.close?.();
    assert.equal((await scene.alive()).length, 1);
  });
}

/** Waits until the provider itself shows that the instance is gone. */
async function gone(scene: Scene, { name, providerId = "" }: InstanceReference): Promise<void> {
  await scene.eventually("it is gone", async () => {
    const status = (await scene.get({ name, providerId }))?.status ?? "terminated";
    return status === "terminated";
  });
}
