/** Laws of what a provider says of itself, of `candidates` and of `create`. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../../src/errors.ts";
import type { InstanceStatus } from "../../../src/provider.ts";
import type { Laws } from "./scene.ts";
import type { OptionalMethod } from "./subject.ts";

const OPTIONAL: readonly OptionalMethod[] = ["find", "stop", "start", "logs", "listGpuTypes", "parseOptions"];

const STATUSES: readonly InstanceStatus[] = [
  "provisioning",
  "running",
  "stopped",
  "failed",
  "terminating",
  "terminated",
  "unknown",
];

const HOSTILE_ENV = {
  QUOTES: `"it's" \`x\` $HOME \${HOME} %PATH% \\n`,
  LINES: "first\nsecond\r\n\tthird",
  UNICODE: "ü 漢字 🚀",
  EMPTY: "",
  LONG: "x".repeat(20_000),
};

export const createLaws: Laws = (law, traits) => {
  law("a provider has a valid name, and times in seconds that are not negative", async ({ provider }) => {
    assert.match(provider.name, /^[a-z][a-z0-9-]{0,31}$/);
    assert.ok(provider.bootTimeoutSeconds > 0);
    assert.ok(provider.absenceGraceSeconds >= 0);
  });

  law("a provider has exactly the optional methods it is declared to have", async ({ provider }) => {
    const present = OPTIONAL.filter((method) => provider[method] !== undefined);
    assert.deepEqual(new Set(present), new Set(traits.methods));
  });

  law("candidates creates nothing, and finds a place for a request that can be served", async (scene) => {
    const { provider, subject } = scene;
    const candidates = await scene.settle(provider.candidates(subject.placement, scene.context()));
    assert.ok(candidates.length > 0);
    assert.deepEqual(await subject.instances(), []);
  });

  law("create makes exactly one instance, of exactly that name", async (scene) => {
    const name = scene.name();
    const instance = await scene.create({ name });
    const alive = await scene.alive();
    assert.equal(instance.name, name);
    assert.deepEqual(alive.map(identity), [{ name, providerId: instance.providerId }]);
  });

  law("the owner tag reads back, where the provider shows one at all", async (scene) => {
    const { owner } = await scene.create();
    assert.ok(owner === scene.owner || owner === undefined, `the owner is ${owner}`);
    await scene.graceToPass();
    const owners = (await scene.list()).map((instance) => instance.owner);
    assert.deepEqual(owners, [scene.owner]);
  });

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

  if (traits.methods.includes("parseOptions"))
    law("an unknown provider option is refused, and named", async ({ provider }) => {
      assert.throws(
        () => provider.parseOptions?.({ noSuchOption: 1 }),
        (error) =>
          isAtlasError(error) && error.code === "VALIDATION" && error.message.includes("noSuchOption"),
      );
    });

  if (traits.methods.includes("listGpuTypes"))
    law("listGpuTypes names the provider and its own ids, each once", async (scene) => {
      const types = await scene.settle(scene.provider.listGpuTypes?.(scene.context()) ?? Promise.resolve([]));
      assert.ok(types.length > 0);
      assert.equal(new Set(types.map(({ id }) => id)).size, types.length);
      for (const type of types) assert.equal(type.provider, scene.provider.name);
    });
};

const ADDRESSES = {
  http: /^https?:\/\/[^/]+(\/.*[^/])?$/,
  tcp: /^tcp:\/\/[^/:]+:[0-9]+$|^tcp:\/\/\[[0-9a-f:]+\]:[0-9]+$/,
} as const;

function identity({ name, providerId }: { name: string; providerId: string }): object {
  return { name, providerId };
}

function wish({ internal, protocol, name }: { internal: number; protocol: string; name?: string }): object {
  return { internal, protocol, name };
}
