import { afterEach, expect, it, vi } from "vitest";
import { AtlasError } from "../src/errors.ts";
import { intercept } from "./support/intercept.ts";
import { failureOf, scene } from "./support/scene.ts";

const unhandled = vi.fn();
afterEach(() => {
  process.off("unhandledRejection", unhandled);
  unhandled.mockClear();
});

/** Listens for rejections that no code handles, and lets the process report them. */
async function reported(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return unhandled.mock.calls.length;
}

const broken = () =>
  scene({
    through: (store) =>
      intercept(store, ["list"], () => {
        throw new AtlasError("STORE_UNAVAILABLE", "the store is down");
      }),
  });

it("a list is a promise, with then, catch and finally", async () => {
  const { atlas, spawn } = scene();
  await spawn();
  const list = atlas.listComputes();
  expect(list).toBeInstanceOf(Promise);
  const finished = vi.fn();
  expect((await list.finally(finished)).computes).toHaveLength(1);
  expect(finished).toHaveBeenCalledOnce();
  expect((await Promise.all([list, list.catch(() => "failed")])).at(1)).toBe(await list);
  expect(
    await broken()
      .atlas.listComputes()
      .catch((error: AtlasError) => error.code),
  ).toBe("STORE_UNAVAILABLE");
});

it("a list reads its first page once, whether it is awaited, iterated, or both", async () => {
  let reads = 0;
  const through = { list: () => (reads += 1) };
  const { atlas, spawn } = scene({ through: (store) => intercept(store, ["list"], () => through.list()) });
  for (let index = 0; index < 5; index += 1) await spawn();
  const list = atlas.listComputes({ limit: 2 });
  const { computes } = await list;
  expect(reads).toBe(1);
  const all = await Array.fromAsync(list);
  expect([all.length, reads]).toEqual([5, 3]);
  expect(all.slice(0, 2)).toEqual(computes);
  expect(all[0]).toBe(computes[0]);
});

it("a list that is only iterated throws its failure there, and leaves no rejected promise behind", async () => {
  process.on("unhandledRejection", unhandled);
  const { atlas } = broken();
  const iterator = atlas.listComputes()[Symbol.asyncIterator]();
  expect(await reported()).toBe(0);
  expect(await failureOf(iterator.next())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  const read = async (): Promise<void> => {
    for await (const _ of atlas.listComputes()) throw new Error("it has nothing to list");
  };
  expect(await failureOf(read())).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await failureOf(atlas.listComputes({ limit: 0 }))).toMatchObject({ code: "VALIDATION" });
  expect(await reported()).toBe(0);
});
