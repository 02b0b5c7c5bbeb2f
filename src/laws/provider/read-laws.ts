/** Laws of `get`, `list` and `find`. */
import assert from "node:assert/strict";
import type { Law, Laws } from "./scene.ts";
import type { ProviderTraits } from "./subject.ts";

export const readLaws: Laws = (law, traits) => {
  instanceReadLaws(law);
  nameLaws(law);
  pageLaws(law, traits);
};

function instanceReadLaws(law: Law): void {
  law("once the grace is over, get, list and find show what create made", async (scene) => {
    const { name, providerId } = await scene.createShown();
    const expected = [{ name, providerId, owner: scene.owner }];
    const byId = await scene.get({ name, providerId });
    const byName = await scene.get({ name });
    for (const shown of [[byId], [byName], await scene.list(), await scene.named(name)])
      assert.deepEqual(shown.map(facts), expected);
  });

  law("an instance runs in the end", async (scene) => {
    const created = await scene.createShown();
    await scene.eventually("it runs", async () => (await scene.get(created))?.status === "running");
  });

  law("get of an unknown instance is undefined, by name and by id", async (scene) => {
    const created = await scene.createShown();
    const { name, providerId } = created;
    assert.equal(await scene.get({ name: scene.name() }), undefined);
    const unknown = { name, providerId: scramble(providerId) };
    assert.equal(await scene.get(unknown), undefined);
  });
}

function nameLaws(law: Law): void {
  law("a name is matched whole: the end of a longer one is not the same name", async (scene) => {
    const [short, long] = [scene.name("x1"), scene.name("x10")];
    await scene.create({ name: long });
    await scene.graceToPass();
    assert.equal(await scene.get({ name: short }), undefined);
    assert.deepEqual(await scene.named(short), []);
    await scene.create({ name: short });
    await scene.graceToPass();
    assert.deepEqual(
      (await scene.named(short)).map(({ name }) => name),
      [short],
    );
    assert.equal((await scene.get({ name: short }))?.name, short);
    assert.deepEqual((await scene.list(short)).map(({ name }) => name).toSorted(compare), [short, long]);
  });

  law("list takes the prefix literally, and shows nothing that does not begin with it", async (scene) => {
    await scene.createShown();
    const others = [
      scene.prefix.replace("atlas-", "atlas-z"),
      scene.prefix.replace(/^atlas/, "....."),
      `${scene.prefix}%`,
      `${scene.prefix}*`,
    ];
    for (const other of others) assert.deepEqual(await scene.list(other), []);
  });
}

function pageLaws(law: Law, traits: ProviderTraits): void {
  law("list reads every page", async (scene) => {
    const count = 3 * (scene.subject.pageSize ?? 1);
    const names = Array.from({ length: count }, () => scene.name());
    for (const name of names) await scene.create({ name });
    await scene.graceToPass();
    const listed = (await scene.list()).map(({ name }) => name);
    assert.deepEqual(listed.toSorted(compare), names.toSorted(compare));
  });

  if (traits.duplicateNames !== false)
    law("every instance of a name is found", async (scene) => {
      const name = scene.name();
      const made = [await scene.create({ name }), await scene.create({ name })];
      await scene.graceToPass();
      const ids = made.map(({ providerId }) => providerId).toSorted(compare);
      for (const shown of [await scene.named(name), await scene.list(name)])
        assert.deepEqual(shown.map(({ providerId }) => providerId).toSorted(compare), ids);
    });
}

function facts(instance: { name: string; providerId: string; owner?: string } | undefined): object {
  return { name: instance?.name, providerId: instance?.providerId, owner: instance?.owner };
}

/** Another id of the same form. */
function scramble(id: string): string {
  return id.replaceAll(/[0-9a-z]/g, (character) => (character === "0" ? "1" : "0"));
}

function compare(first: string, second: string): number {
  return first < second ? -1 : Number(first > second);
}
