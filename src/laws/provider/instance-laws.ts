/** Laws of the fields of an instance, and of the secrets that it must not hold. */
import assert from "node:assert/strict";
import type { InstanceStatus } from "../../provider.ts";
import type { Laws } from "./scene.ts";

const STATUSES: readonly InstanceStatus[] = [
  "provisioning",
  "running",
  "stopped",
  "failed",
  "terminating",
  "terminated",
  "unknown",
];

const ADDRESSES = {
  http: /^https?:\/\/[^/]+(\/.*[^/])?$/,
  tcp: /^tcp:\/\/[^/:]+:[0-9]+$|^tcp:\/\/\[[0-9a-f:]+\]:[0-9]+$/,
} as const;

export const instanceLaws: Laws = (law) => {
  law("an instance tells its state, price and dates in the agreed form", async (scene) => {
    const created = await scene.createShown();
    for (const instance of [created, ...(await scene.list())]) {
      assert.ok(STATUSES.includes(instance.status));
      assert.ok(instance.costPerHour === undefined || instance.costPerHour >= 0);
      assert.ok(instance.createdAt === undefined || !Number.isNaN(instance.createdAt.getTime()));
      assert.ok(instance.providerId !== "");
    }
  });

  law("an instance shows every requested port, and its address once it runs", async (scene) => {
    const { ports } = scene.subject.placement;
    const created = await scene.create();
    assert.deepEqual(created.ports.map(wish), ports.map(wish));
    await scene.graceToPass();
    await scene.eventually("every port has its URL", async () => {
      const instance = await scene.get(created);
      return instance?.ports.every(({ url }) => url !== undefined) ?? false;
    });
    const shown = (await scene.get(created))?.ports ?? [];
    assert.deepEqual(shown.map(wish), ports.map(wish));
    for (const { protocol, url = "" } of shown) assert.match(url, ADDRESSES[protocol]);
  });

  law("no environment value and no credential is in what create, get and list answer", async (scene) => {
    const created = await scene.createShown();
    for (const answer of [
      created,
      await scene.get(created),
      await scene.list(),
      await scene.named(created.name),
    ])
      scene.assertNoSecret(answer);
  });
};

function wish({ internal, protocol, name }: { internal: number; protocol: string; name?: string }): object {
  return { internal, protocol, name };
}
