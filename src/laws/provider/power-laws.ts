/** Laws of `stop` and `start`. */
import assert from "node:assert/strict";
import type { InstanceReference } from "../../provider.ts";
import type { Laws, Scene } from "./scene.ts";

export const powerLaws: Laws = (law, { methods }) => {
  if (!methods.includes("stop") || !methods.includes("start")) return;

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
};

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

function missing(method: string): Promise<never> {
  return Promise.reject(new Error(`the provider has no ${method}`));
}
