import { describe, expect, test } from "vitest";
import type { Instance } from "../../src/provider.ts";
import { toNetworkName } from "../../src/providers/fly/network.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import { createRequest, type FlyScene, flyScene, machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();
const names = ["a", "b", "c"].map((letter) => `atlas-default-${letter.repeat(20)}`);

async function three(scene: FlyScene): Promise<void> {
  for (const name of names)
    await scene.clock.settle(scene.provider.create(createRequest(machinePlacement, name), context));
}

function list(scene: FlyScene, namePrefix = "atlas-default-"): Promise<readonly Instance[]> {
  return scene.clock.settle(scene.provider.list({ namePrefix }, context));
}

describe("list", () => {
  test("asks for the apps and the machines, and not for every app", async () => {
    await using scene = await flyScene({}, { pageSize: 2 });
    await three(scene);
    await scene.clock.advance(30);
    scene.fake.exchanges.length = 0;
    expect((await list(scene)).map(({ name, owner }) => [name, owner])).toEqual(
      names.map((name) => [name, "owner-1"]),
    );
    expect(scene.fake.exchanges.map(({ operation }) => operation)).toEqual([
      "listApps",
      "orgMachines",
      "orgMachines",
    ]);
  });

  test("looks at an app whose machine is not listed yet, and does not call it empty", async () => {
    await using scene = await flyScene();
    const [name = ""] = names;
    scene.fake.cloud.addApp(name, scene.fake.org, name);
    await scene.clock.advance(30);
    await scene.clock.settle(scene.provider.create(createRequest(machinePlacement, name), context));
    expect((await list(scene)).map(({ status }) => status)).toEqual(["provisioning"]);
  });

  test("leaves out a new app without a machine, which may only not be listed yet", async () => {
    await using scene = await flyScene();
    const [name = ""] = names;
    const network = toNetworkName(name, "owner-1", scene.clock.now());
    scene.fake.cloud.addApp(name, scene.fake.org, network);
    await scene.clock.advance(60);
    expect(await list(scene)).toEqual([]);
    await scene.clock.advance(60);
    expect(await list(scene)).toMatchObject([{ name, owner: "owner-1", status: "failed" }]);
  });

  test("leaves out an app that went away meanwhile", async () => {
    await using scene = await flyScene();
    scene.fake.cloud.addApp("atlas-default-x", scene.fake.org, "default");
    await scene.clock.advance(30);
    scene.fake.fault("listMachines", { status: 404, error: "app not found" });
    expect(await list(scene)).toEqual([]);
  });

  test("shows the machines of the regions that answered, and calls no app empty whose machine may be elsewhere", async () => {
    await using scene = await flyScene();
    const [inFra = "", inAms = "", empty = ""] = names;
    const place = async (region: string, name: string): Promise<void> => {
      const request = createRequest({ ...machinePlacement, regions: [region] }, name);
      await scene.clock.settle(scene.provider.create(request, context));
    };
    await place("fra", inFra);
    await place("ams", inAms);
    scene.fake.cloud.addApp(empty, scene.fake.org, toNetworkName(empty, "owner-1", scene.clock.now()));
    await scene.clock.advance(600);
    scene.fake.silentRegions.add("fra");
    expect((await list(scene)).map(({ name, status, partial }) => [name, status, partial])).toEqual([
      [inAms, "running", undefined],
      [inFra, "unknown", true],
      [empty, "unknown", true],
    ]);
    scene.fake.silentRegions.clear();
    expect((await list(scene)).map(({ name, partial }) => [name, partial])).toEqual([
      [inFra, undefined],
      [inAms, undefined],
      [empty, true],
    ]);
  });

  test("throws when Fly counts more apps than it shows", async () => {
    await using scene = await flyScene();
    const short = Response.json({ total_apps: 3, apps: [{ name: "atlas-default-x" }] });
    const { fly } = await import("../../src/providers/fly/index.ts");
    const provider = fly({ apiKey: "key", org: "acme", fetch: async () => short.clone() });
    await expect(provider.list({ namePrefix: "atlas-" }, context)).rejects.toThrow("1 of 3 apps");
    expect(scene.fake.exchanges).toEqual([]);
  });

  test("throws when the pages go round in a circle", async () => {
    const { fly } = await import("../../src/providers/fly/index.ts");
    const circle = async (input: unknown): Promise<Response> =>
      String(input instanceof Request ? input.url : input).includes("/orgs/")
        ? Response.json({ machines: [], next_cursor: "again" })
        : Response.json({ total_apps: 0, apps: [] });
    const provider = fly({ apiKey: "key", org: "acme", fetch: circle });
    await expect(provider.list({ namePrefix: "atlas-" }, context)).rejects.toThrow(
      "the same page of machines twice",
    );
  });

  test("of a shared app throws when the app does not exist", async () => {
    await using scene = await flyScene({ app: "computes" });
    scene.fake.fault("listMachines", { status: 404, error: "app not found" }, 3);
    await expect(list(scene)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const reference = { name: names[0] ?? "", providerId: "e28650010001" };
    const getting = scene.provider.get(reference, context);
    await expect(scene.clock.settle(getting)).rejects.toThrow("the app computes does not exist");
  });
});

describe("a machine whose host does not answer", () => {
  test("shows without an owner, and not as a stranger's", async () => {
    await using scene = await flyScene();
    const created = await scene.clock.settle(scene.provider.create(createRequest(), context));
    scene.fake.machine(created.providerId).hostStatus = "unreachable";
    const shown = await scene.clock.settle(scene.provider.get(created, context));
    expect(shown).toMatchObject({ name: created.name });
    expect(shown).not.toHaveProperty("owner");
  });
});

describe("a 404 that is not Fly's", () => {
  test("does not mean that anything is gone", async () => {
    const { fly } = await import("../../src/providers/fly/index.ts");
    const provider = fly({
      apiKey: "key",
      org: "acme",
      fetch: async () => new Response("<html>not found</html>", { status: 404 }),
    });
    const reference = { name: names[0] ?? "", providerId: "e28650010001" };
    await expect(provider.get(reference, context)).rejects.toMatchObject({ code: "PROVIDER" });
    await expect(provider.terminate(reference, context)).rejects.toMatchObject({ code: "PROVIDER" });
  });
});

test("a rate limit is waited out", async () => {
  await using scene = await flyScene();
  const created = await scene.clock.settle(scene.provider.create(createRequest(), context));
  scene.fake.fault("getMachine", { ...flyRefusals.rateLimit, headers: { "retry-after": "7" } });
  const before = scene.clock.now().getTime();
  await scene.clock.settle(scene.provider.get(created, context));
  expect(scene.clock.now().getTime() - before).toBe(7000);
});
