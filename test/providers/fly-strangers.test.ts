/** Answers of Fly that no specification shows: about apps that are new, about entries of other programs, and about full regions. */
import { describe, expect, test } from "vitest";
import type { CreateRequest, Instance } from "../../src/provider.ts";
import { fly } from "../../src/providers/fly/index.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import { createRequest, type FlyScene, flyScene, machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();
const withVolume = createRequest({ ...machinePlacement, volumeGb: 5 });

function create(scene: FlyScene, request: CreateRequest = createRequest()): Promise<Instance> {
  return scene.clock.settle(scene.provider.create(request, context));
}

function list(scene: FlyScene): Promise<readonly Instance[]> {
  return scene.clock.settle(scene.provider.list({ namePrefix: "atlas-default-" }, context));
}

describe("a new app that parts of Fly do not know yet", () => {
  test("gets its addresses, its volume and its machine all the same", async () => {
    await using scene = await flyScene({}, { timing: { appSpreadSeconds: 8 } });
    await create(scene, withVolume);
    const [app] = scene.fake.cloud.apps;
    expect([app?.addresses.length, app?.volumes.length, app?.machines.length]).toEqual([2, 1, 1]);
    const [first] = scene.fake.exchanges;
    expect([first?.operation, first?.query]).toEqual(["createApp", { wait: "true" }]);
  });

  test("and that none of them ever knows may remain, and the error says so", async () => {
    await using scene = await flyScene({}, { timing: { appSpreadSeconds: 600 } });
    await expect(create(scene)).rejects.toMatchObject({
      mayHaveCreated: true,
      message: expect.stringContaining("may remain"),
    });
    expect(scene.fake.cloud.apps).toHaveLength(1);
  });

  test("is found although the answer to its creation was lost", async () => {
    await using scene = await flyScene({}, { timing: { appSpreadSeconds: 8 } });
    scene.fake.fault("createApp", "connection-after");
    await create(scene);
    expect(scene.fake.cloud.machines).toHaveLength(1);
  });

  test("is unknown, and not a wrong token, while Fly answers 401", async () => {
    await using scene = await flyScene();
    const created = await create(scene);
    for (const reference of [created, { name: created.name }]) {
      scene.fake.fault("getMachine", flyRefusals.badToken);
      scene.fake.fault("listMachines", flyRefusals.badToken);
      const reading = scene.clock.settle(scene.provider.get(reference, context));
      await expect(reading).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
      scene.fake.heal();
    }
  });
});

describe("an app that another organization has", () => {
  test.each([
    ["hides from us", undefined],
    ["shows", "other-org"],
  ])("is a conflict at once when it %s", async (_, org) => {
    await using scene = await flyScene();
    const request = createRequest();
    scene.fake.cloud.addApp(request.name, org ?? "another", "default");
    if (org === undefined) scene.fake.fault("getApp", flyRefusals.forbidden);
    await expect(create(scene, request)).rejects.toMatchObject({ code: "CONFLICT", mayHaveCreated: false });
    expect(scene.fake.exchanges).toHaveLength(2);
  });
});

describe("a list with entries of other programs", () => {
  test.each([
    ["an app without a name", { apps: { name: null } }],
    ["an app with a network as a number", { apps: { name: "theirs", network: 7 } }],
    ["a machine without a name", { machines: { id: "x", name: null } }],
    ["a machine without an id and a state", { machines: { name: "theirs" } }],
    ["a machine with metadata as a list", { machines: { name: "t", id: "1", config: { metadata: [] } } }],
  ])("shows ours beside %s", async (_, { apps, machines }: { apps?: object; machines?: object }) => {
    await using scene = await flyScene();
    const created = await create(scene);
    await scene.clock.advance(30);
    if (apps !== undefined) scene.fake.foreign.apps.push(apps);
    if (machines !== undefined) scene.fake.foreign.machines.push(machines);
    expect((await list(scene)).map(({ providerId }) => providerId)).toEqual([created.providerId]);
  });

  test.each([
    ["without a state", { id: "e2865", name: "atlas-default-x", app_name: "atlas-default-x" }],
    ["with an id that leads elsewhere", { id: "../x", name: "atlas-default-x", state: "started" }],
  ])("fails when a machine of ours is %s", async (_, machine) => {
    await using scene = await flyScene();
    scene.fake.foreign.machines.push(machine);
    await expect(list(scene)).rejects.toMatchObject({
      code: "PROVIDER",
      message: expect.stringContaining("atlas-default-x"),
    });
  });

  test("fails when an entry has no name at all, and never counts as empty", async () => {
    for (const body of [{ total_apps: 1, apps: [{ id: "x" }] }, { total_apps: 0 }, null, []]) {
      const provider = fly({ apiKey: "key", org: "acme", fetch: async () => Response.json(body) });
      await expect(provider.list({ namePrefix: "atlas-" }, context)).rejects.toMatchObject({
        code: "PROVIDER",
      });
    }
  });
});

describe("a gateway in front of Fly", () => {
  test.each([403, 404])(
    "that answers %s in JSON of its own proves nothing about a machine",
    async (status) => {
      const fetch = async (): Promise<Response> =>
        Response.json({ message: "no Route matched with those values" }, { status });
      const provider = fly({ apiKey: "key", org: "acme", fetch });
      const reference = { name: "atlas-default-x", providerId: "e2865" };
      for (const call of [provider.get(reference, context), provider.terminate(reference, context)])
        await expect(call).rejects.toMatchObject({ code: "PROVIDER", status });
    },
  );
});

test("null is an empty list", async () => {
  await using scene = await flyScene();
  const { name } = createRequest();
  scene.fake.cloud.addApp(name, scene.fake.org, "default");
  await scene.clock.advance(300);
  expect(await scene.clock.settle(scene.provider.find(name, context))).toMatchObject([
    { name, partial: true },
  ]);
  const fetch = async (input: unknown): Promise<Response> =>
    String(input instanceof Request ? input.url : input).includes("/orgs/")
      ? Response.json({ machines: null })
      : Response.json({ total_apps: 0, apps: null });
  const provider = fly({ apiKey: "key", org: "acme", fetch });
  expect(await provider.list({ namePrefix: "atlas-" }, context)).toEqual([]);
});

describe("pages of machines", () => {
  test("that never end are an error", async () => {
    let pages = 0;
    const fetch = async (input: unknown): Promise<Response> => {
      if (!String(input instanceof Request ? input.url : input).includes("/orgs/"))
        return Response.json({ total_apps: 0, apps: [] });
      pages += 1;
      return Response.json({ machines: [], next_cursor: `page-${pages}` });
    };
    await using scene = await flyScene();
    const provider = fly({ apiKey: "key", org: "acme", fetch, clock: scene.clock });
    const listing = scene.clock.settle(provider.list({ namePrefix: "atlas-" }, context));
    await expect(listing).rejects.toThrow("more than 1000 pages");
  });

  test("that are longer than 10 MB are read with fewer machines each", async () => {
    const limits: number[] = [];
    const fetch = async (input: unknown): Promise<Response> => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      if (!url.pathname.includes("/orgs/")) return Response.json({ total_apps: 0, apps: [] });
      const limit = Number(url.searchParams.get("limit"));
      limits.push(limit);
      const padding = limit > 300 ? "x".repeat(10_000_001) : "";
      return Response.json({ machines: [], padding });
    };
    await using scene = await flyScene();
    const provider = fly({ apiKey: "key", org: "acme", fetch, clock: scene.clock });
    expect(await scene.clock.settle(provider.list({ namePrefix: "atlas-" }, context))).toEqual([]);
    expect(limits).toEqual([1000, 500, 250]);
  });
});

describe("Fly's rate of a request a second", () => {
  test("is kept by a queue: twelve creates at once in a shared app succeed", async () => {
    await using scene = await flyScene({ app: "computes" });
    const names = Array.from(
      { length: 12 },
      (_, index) => `atlas-default-${String(index).padStart(20, "0")}`,
    );
    const creating = names.map((name) =>
      scene.provider.create(createRequest(machinePlacement, name), context),
    );
    await scene.clock.settle(Promise.all(creating));
    expect(scene.fake.cloud.machines).toHaveLength(12);
    const statuses = scene.fake.exchanges.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(scene.clock.now().getTime() - Date.parse("2026-01-01T00:00:00Z")).toBe(9000);
  });

  test("refuses what would wait too long before it is sent, and says for how long", async () => {
    await using scene = await flyScene({ app: "computes" });
    const names = Array.from(
      { length: 60 },
      (_, index) => `atlas-default-${String(index).padStart(20, "0")}`,
    );
    const creating = names.map((name) =>
      scene.provider.create(createRequest(machinePlacement, name), context),
    );
    const results = await scene.clock.settle(Promise.allSettled(creating));
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(scene.fake.cloud.machines).toHaveLength(60 - refused.length);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ code: "RATE_LIMIT", mayHaveCreated: false, retryAfterSeconds: 41 });
  });
});

describe("a full region or a full organization", () => {
  test.each([
    [
      "createVolume",
      { status: 400, error: "failed to create volume: no capacity in region fra" },
      "CAPACITY",
    ],
    ["createVolume", { status: 422, error: "no capacity for volumes in this region" }, "CAPACITY"],
    ["createMachine", { status: 422, error: "machine limit reached for organization acme" }, "QUOTA"],
    ["createMachine", { status: 403, error: "your organization is over its limit of 50 machines" }, "QUOTA"],
    ["createApp", { status: 422, error: "app limit reached, contact billing@fly.io" }, "QUOTA"],
    ["createMachine", { status: 422, error: "invalid limit of memory" }, "VALIDATION"],
  ] as const)("%s refused with %j is %s", async (operation, refusal, code) => {
    await using scene = await flyScene();
    scene.fake.fault(operation, refusal);
    await expect(create(scene, withVolume)).rejects.toMatchObject({ code, mayHaveCreated: false });
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test("is not read out of an environment that the error quotes", async () => {
    await using scene = await flyScene();
    const request = { ...createRequest(), env: { NOTE: "no capacity" } };
    scene.fake.fault("createMachine", { status: 400, error: "invalid env NOTE=no capacity" });
    await expect(create(scene, request)).rejects.toMatchObject({ code: "VALIDATION" });
  });
});

test("a machine that migrated is gone from here", async () => {
  await using scene = await flyScene();
  const created = await create(scene);
  scene.fake.machine(created.providerId).go(["migrated", 0]);
  const shown = await scene.clock.settle(scene.provider.get(created, context));
  expect(shown?.status).toBe("failed");
  await scene.clock.settle(scene.provider.terminate(created, context));
  await scene.clock.advance(30);
  expect(await scene.clock.settle(scene.provider.get(created, context))).toBeUndefined();
});

test("a stop sends a body, and waits for the version that it stopped", async () => {
  await using scene = await flyScene();
  const created = await create(scene);
  await scene.clock.advance(30);
  await scene.clock.settle(scene.provider.stop(created, context));
  const sent = scene.fake.exchanges.filter(({ operation }) => operation === "stop" || operation === "wait");
  expect(sent.map(({ body, query }) => body ?? query.version)).toEqual([
    {},
    `01VERSION${created.providerId}`,
  ]);
  expect(scene.fake.machine(created.providerId).state).toBe("stopped");
});

test("a reference whose id is no machine's sends nothing", async () => {
  await using scene = await flyScene();
  for (const providerId of ["..", "x/y", "a b", "UPPER", "x".repeat(80)]) {
    const reference = { name: createRequest().name, providerId };
    const getting = scene.clock.settle(scene.provider.get(reference, context));
    await expect(getting).rejects.toMatchObject({ code: "VALIDATION" });
  }
  expect(scene.fake.exchanges).toEqual([]);
});
