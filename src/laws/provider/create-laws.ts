/** Laws of `create`: one instance, as it was asked for. */
import assert from "node:assert/strict";
import type { Laws } from "./scene.ts";

const HOSTILE_ENV = {
  QUOTES: `"it's" \`x\` $HOME \${HOME} %PATH% \\n`,
  LINES: "first\nsecond\r\n\tthird",
  UNICODE: "ü 漢字 🚀",
  EMPTY: "",
  LONG: "x".repeat(20_000),
};

export const createLaws: Laws = (law, traits) => {
  law("create makes exactly one instance, of exactly that name", async (scene) => {
    const name = scene.name();
    const instance = await scene.create({ name });
    const alive = await scene.alive();
    assert.equal(instance.name, name);
    assert.deepEqual(alive.map(identity), [{ name, providerId: instance.providerId }]);
  });

  law("the owner tag reads back in every list", async (scene) => {
    const { owner } = await scene.create();
    assert.ok(owner === scene.owner || owner === undefined, `the owner is ${owner}`);
    await scene.graceToPass();
    const owners = (await scene.list()).map((instance) => instance.owner);
    assert.deepEqual(owners, [scene.owner]);
  });

  if (traits.showsEnv !== false)
    law("the instance gets the whole environment, character by character", async (scene) => {
      const request = await scene.request({ env: HOSTILE_ENV });
      await scene.settle(scene.provider.create(request, scene.context()));
      const [existing] = await scene.alive();
      for (const [name, value] of Object.entries(request.env))
        assert.equal(existing?.env?.[name], value, name);
    });

  for (const [what, placement] of Object.entries(traits.placements ?? {}))
    law(`create makes ${what}`, async (scene) => {
      const request = await scene.request({ placement });
      const instance = await scene.settle(scene.provider.create(request, scene.context()));
      assert.equal(instance.gpu ?? request.candidate.gpu, request.candidate.gpu);
      assert.equal(request.candidate.gpu === undefined, placement.gpus.length === 0);
      assert.equal((await scene.alive()).length, 1);
    });

  if (traits.duplicateNames === false)
    law("a create under a name that exists adopts the instance there", async (scene) => {
      const first = await scene.createShown();
      const second = await scene.create({ name: first.name });
      assert.equal(second.providerId, first.providerId);
      assert.equal((await scene.alive()).length, 1);
    });
};

function identity({ name, providerId }: { name: string; providerId: string }): object {
  return { name, providerId };
}
