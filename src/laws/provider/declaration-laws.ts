/** Laws of a provider's declarations and of its offers. */
import assert from "node:assert/strict";
import { isAtlasError } from "../../errors.ts";
import { PROVIDER_NAME } from "../../internal/names.ts";
import type { Laws } from "./scene.ts";
import type { OptionalMethod } from "./subject.ts";

const OPTIONAL: readonly OptionalMethod[] = [
  "find",
  "stop",
  "start",
  "logs",
  "listGpuTypes",
  "parseOptions",
  "account",
];

export const declarationLaws: Laws = (law, traits) => {
  law("a provider has a valid name, and times in seconds that are not negative", async ({ provider }) => {
    assert.match(provider.name, PROVIDER_NAME);
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

  if (traits.methods.includes("parseOptions"))
    law("an unknown provider option is refused, and named", async ({ provider }) => {
      assert.throws(
        () => provider.parseOptions?.({ noSuchOption: 1 }),
        (error) =>
          isAtlasError(error) && error.code === "VALIDATION" && error.message.includes("noSuchOption"),
      );
    });

  if (traits.methods.includes("account"))
    law("account is the same id at each call", async (scene) => {
      const ask = () => scene.settle(scene.provider.account?.(scene.context()) ?? Promise.resolve(undefined));
      const account = await ask();
      assert.ok(typeof account === "string" && account !== "");
      assert.equal(await ask(), account);
    });

  if (traits.methods.includes("listGpuTypes"))
    law("listGpuTypes names the provider and its own ids, each once", async (scene) => {
      const types = await scene.settle(scene.provider.listGpuTypes?.(scene.context()) ?? Promise.resolve([]));
      assert.ok(types.length > 0);
      assert.equal(new Set(types.map(({ id }) => id)).size, types.length);
      for (const type of types) assert.equal(type.provider, scene.provider.name);
    });
};
