import { beforeAll, describe, expect, test } from "vitest";
import type { CreateRequest, Instance } from "../../src/provider.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import type { FlyOperation } from "../fakes/fly-routes.ts";
import {
  createRequest,
  type FlyScene,
  flyScene,
  machinePlacement,
  quietContext,
  warmUp,
} from "./fly-subject.ts";

const context = quietContext(1);

beforeAll(warmUp);

function create(scene: FlyScene, request: CreateRequest = createRequest()): Promise<Instance> {
  return scene.clock.settle(scene.provider.create(request, context));
}

function operations({ fake }: FlyScene): readonly FlyOperation[] {
  return fake.exchanges.map(({ operation }) => operation);
}

describe("a compute with an app of its own", () => {
  test("has its address at once, a network of its own, and both kinds of address", async () => {
    await using scene = await flyScene();
    const request = createRequest();
    const { ports, region, owner, costPerHour } = await create(scene, request);
    expect(ports).toEqual([
      {
        internal: 8000,
        protocol: "http",
        name: "api",
        external: 443,
        url: `https://${request.name}.fly.dev`,
      },
    ]);
    expect({ region, owner }).toEqual({ region: "fra", owner: "owner-1" });
    expect(costPerHour).toBeCloseTo(7.73 / 720, 4);
    const [app] = scene.fake.cloud.apps;
    expect(app).toMatchObject({ name: request.name, network: expect.stringMatching(/^atlas-cdefghij-/) });
    expect(app?.addresses.map(({ ip, shared }) => [ip.includes(":"), shared])).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(operations(scene)).toEqual(["createApp", "assignAddress", "assignAddress", "createMachine"]);
  });

  test.each([
    ["no ports: no addresses", { ports: [] }, []],
    [
      "tcp ports only: no IPv4 address that could not carry them",
      { ports: [{ internal: 22, protocol: "tcp" }] },
      ["v6"],
    ],
    ["a dedicated address: that one", { options: { ipv4: "dedicated" } }, ["v4", "v6"]],
  ] as const)("%s", async (_, change, types) => {
    await using scene = await flyScene();
    await create(scene, createRequest({ ...machinePlacement, ...change }));
    const asked = scene.fake.exchanges.filter(({ operation }) => operation === "assignAddress");
    expect(asked.map(({ body }) => body)).toEqual(types.map((type) => ({ type })));
  });

  test("has its volume made before the machine, in the same region", async () => {
    await using scene = await flyScene();
    await create(scene, createRequest({ ...machinePlacement, volumeGb: 5 }));
    const [app] = scene.fake.cloud.apps;
    expect(app?.volumes).toMatchObject([{ region: "fra", size_gb: 5 }]);
    const mounts = [{ volume: app?.volumes[0]?.id, path: "/workspace" }];
    expect(app?.machines[0]?.config.mounts).toEqual(mounts);
  });

  test("is asked for nothing when its request cannot be carried out", async () => {
    await using scene = await flyScene();
    for (const change of [{ image: undefined }, { cpus: 3 }, { volumeGb: 5, regions: [] }]) {
      const { image, ...rest } = { ...machinePlacement, ...change };
      const request = createRequest({ ...rest, ...(image === undefined ? {} : { image }) });
      await expect(create(scene, request)).rejects.toMatchObject({ code: "VALIDATION" });
    }
    expect(scene.fake.exchanges).toEqual([]);
  });
});

describe("an app that exists already", () => {
  test("is used when it is ours, with the addresses that it lacks", async () => {
    await using scene = await flyScene();
    const request = createRequest();
    const { addresses } = scene.fake.cloud.addApp(request.name, scene.fake.org, request.name);
    addresses.push({ ip: "fdaa::1", region: "global", shared: false, created_at: "" });
    addresses.push({ ip: "66.241.124.9", region: "global", shared: true, created_at: "" });
    await create(scene, request);
    expect(addresses).toHaveLength(3);
    expect(scene.fake.cloud.apps).toHaveLength(1);
  });

  test("is not touched when it belongs to another organization", async () => {
    await using scene = await flyScene();
    const request = createRequest();
    scene.fake.cloud.addApp(request.name, "other-org", "default");
    await expect(create(scene, request)).rejects.toMatchObject({ mayHaveCreated: false, code: "CONFLICT" });
    expect(operations(scene)).toEqual(["createApp", "getApp"]);
  });

  test("has no known owner when Fly reports that it is taken, and does not show it", async () => {
    await using scene = await flyScene();
    scene.fake.fault("createApp", flyRefusals.nameTaken);
    await expect(create(scene)).rejects.toMatchObject({ code: "CONFLICT", mayHaveCreated: false });
    expect(new Set(operations(scene))).toEqual(new Set(["createApp", "getApp"]));
    expect(scene.clock.now().getTime()).toBeGreaterThan(30_000);
  });

  test.each(["timeout-after", "connection-after", "error-after", "unreadable-after"] as const)(
    "because the answer to its creation was lost (%s) is used",
    async (fault) => {
      await using scene = await flyScene();
      scene.fake.fault("createApp", fault);
      await create(scene);
      expect(scene.fake.cloud.machines).toHaveLength(1);
      expect(operations(scene).filter((operation) => operation === "createApp")).toHaveLength(1);
    },
  );
});

describe("what a refusal leaves", () => {
  test("is nothing: the next region is free to use the same name", async () => {
    await using scene = await flyScene({}, { timing: { removeAppSeconds: 6 } });
    scene.fake.fullRegions.add("fra");
    await expect(create(scene)).rejects.toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
    expect(scene.fake.cloud.apps).toEqual([]);
    const instance = await create(scene, createRequest({ ...machinePlacement, regions: ["ams"] }));
    expect(instance.region).toBe("ams");
    expect(scene.fake.cloud.machines).toHaveLength(1);
  });

  test.each([
    ["an address is refused", "assignAddress", flyRefusals.badName],
    ["an address' outcome is unknown", "assignAddress", "connection-after"],
    ["the addresses fail", "assignAddress", "error-before"],
    ["a volume is refused", "createVolume", flyRefusals.regionFullInWords],
    ["a volume's outcome is unknown", "createVolume", "connection-after"],
    ["a volume's answer is unreadable", "createVolume", "unreadable-after"],
  ] as const)("is nothing when %s", async (_, operation, fault) => {
    await using scene = await flyScene();
    scene.fake.fault(operation, fault, 2);
    const creating = create(scene, createRequest({ ...machinePlacement, volumeGb: 5 }));
    await expect(creating).rejects.toMatchObject({ mayHaveCreated: false });
    expect(scene.fake.cloud.apps).toEqual([]);
  });

  test.each([
    ["its deletion fails", flyRefusals.serverError],
    ["its deletion is forbidden", flyRefusals.forbidden],
  ])("is an app when %s, and the error says so", async (_, refusal) => {
    await using scene = await flyScene();
    scene.fake.fullRegions.add("fra");
    scene.fake.fault("deleteApp", refusal, 10);
    const request = createRequest();
    await expect(create(scene, request)).rejects.toMatchObject({
      code: "CAPACITY",
      mayHaveCreated: true,
      message: expect.stringContaining(`its app ${request.name} could not be removed`),
    });
    expect(scene.fake.cloud.apps).toHaveLength(1);
  });

  test("is an app when Fly takes its time, and the error says so", async () => {
    await using scene = await flyScene({}, { timing: { removeAppSeconds: 600 } });
    scene.fake.fullRegions.add("fra");
    await expect(create(scene)).rejects.toMatchObject({ code: "CAPACITY", mayHaveCreated: true });
  });

  test("is never a machine that is there after all: the app's end is not forced", async () => {
    await using scene = await flyScene();
    const request = createRequest();
    const app = scene.fake.cloud.addApp(request.name, scene.fake.org, request.name);
    scene.fake.cloud.addMachine(app, "another-name", "fra", { image: "x" });
    scene.fake.fullRegions.add("fra");
    await expect(create(scene, request)).rejects.toMatchObject({ mayHaveCreated: true });
    expect(app.liveMachines).toHaveLength(1);
  });
});

describe("a machine whose outcome is unknown", () => {
  async function lost(scene: FlyScene, request: CreateRequest): Promise<void> {
    scene.fake.fault("createMachine", "connection-before");
    const creating = scene.provider.create(request, context);
    await expect(scene.clock.settle(creating)).rejects.toMatchObject({
      code: "TRANSPORT",
      mayHaveCreated: true,
    });
    await scene.clock.advance(30);
  }

  test("leaves an app, which is found as ours: first as on its way, then as failed", async () => {
    await using scene = await flyScene();
    const { provider, clock } = scene;
    const request = createRequest();
    await lost(scene, request);
    const { name } = request;
    const facts = { name, providerId: name, owner: "owner-1", createdAt: new Date("2026-01-01") };
    expect(await clock.settle(provider.find(name, context))).toMatchObject([
      { ...facts, status: "provisioning" },
    ]);
    await clock.advance(120);
    for (const found of [
      await clock.settle(provider.find(name, context)),
      await clock.settle(provider.list({ namePrefix: "atlas-default-" }, context)),
      [await clock.settle(provider.get({ name, providerId: name }, context))],
    ])
      expect(found).toMatchObject([{ ...facts, status: "failed" }]);
  });

  test("leaves an app whose end is the end of it all", async () => {
    await using scene = await flyScene();
    const { provider, fake, clock } = scene;
    const { name, ...request } = createRequest();
    await lost(scene, { ...request, name });
    await clock.settle(provider.terminate({ name, providerId: name }, context));
    await clock.advance(10);
    expect(fake.cloud.apps).toEqual([]);
    expect(await clock.settle(provider.find(name, context))).toEqual([]);
  });

  test("turns up under the app's id when it comes late", async () => {
    await using scene = await flyScene();
    const { provider, fake, clock } = scene;
    const { name, ...request } = createRequest();
    await lost(scene, { ...request, name });
    const late = fake.cloud.addMachine(fake.cloud.app(name), name, "fra", { image: "x" });
    expect(await clock.settle(provider.get({ name, providerId: name }, context))).toMatchObject({
      providerId: late.id,
    });
  });

  test("in a network of the caller's has no known owner", async () => {
    await using scene = await flyScene();
    const { provider, clock } = scene;
    const request = createRequest({ ...machinePlacement, options: { network: "tenant-1" } });
    await lost(scene, request);
    const [found] = await clock.settle(provider.find(request.name, context));
    expect(found).toMatchObject({ status: "failed" });
    expect(found).not.toHaveProperty("owner");
  });
});

describe("a name that is taken", () => {
  test("is answered by the machine that has it", async () => {
    await using scene = await flyScene();
    const first = await create(scene);
    const second = await create(scene);
    expect(second.providerId).toBe(first.providerId);
    expect(scene.fake.cloud.machines).toHaveLength(1);
  });

  test.each([
    ["is not shown", { status: 404, error: "machine not found" }],
    ["cannot be read", flyRefusals.serverError],
  ])("leaves the outcome open when that machine %s", async (_, refusal) => {
    await using scene = await flyScene();
    await create(scene);
    scene.fake.fault("getMachine", refusal, 10);
    await expect(create(scene)).rejects.toMatchObject({ mayHaveCreated: true });
    expect(scene.fake.cloud.machines).toHaveLength(1);
  });

  test("leaves the outcome open when that machine is called otherwise", async () => {
    await using scene = await flyScene();
    await create(scene);
    const other = createRequest(machinePlacement, "atlas-default-bbbbbbbbbbbbbbbbbbbb");
    const { id } = scene.fake.cloud.machines[0]?.machine ?? { id: "" };
    const app = scene.fake.cloud.addApp(other.name, scene.fake.org, other.name);
    app.machines.push(scene.fake.machine(id));
    scene.fake.fault("createMachine", {
      status: 409,
      error: `already_exists: unique machine name violation, machine ID ${id} already exists with name "x"`,
    });
    await expect(create(scene, other)).rejects.toMatchObject({ code: "CONFLICT", mayHaveCreated: true });
  });
});

describe("a compute in a shared app", () => {
  test("is reached with the header that names its machine", async () => {
    await using scene = await flyScene({ app: "computes" });
    const { ports, providerId, name } = await create(scene);
    expect(ports).toMatchObject([
      { url: "https://computes.fly.dev", headers: { "fly-force-instance-id": providerId } },
    ]);
    expect(operations(scene)).toEqual(["createMachine"]);
    expect(scene.fake.cloud.machines[0]).toMatchObject({ app: { name: "computes" }, machine: { name } });
  });

  test("may have a volume that is there already, which outlives it", async () => {
    await using scene = await flyScene({ app: "computes" });
    const { volumes } = scene.fake.cloud.app("computes");
    volumes.push({ id: "vol_1", name: "models", region: "fra", size_gb: 10 });
    const placement = { ...machinePlacement, networkVolumeId: "vol_1", volumePath: "/models" };
    const created = await create(scene, createRequest(placement));
    await scene.clock.settle(scene.provider.terminate(created, context));
    expect(volumes).toHaveLength(1);
  });

  test("leaves the app as it was when it is refused", async () => {
    await using scene = await flyScene({ app: "computes" });
    scene.fake.fullRegions.add("fra");
    await expect(create(scene)).rejects.toMatchObject({ code: "CAPACITY", mayHaveCreated: false });
    expect(scene.fake.cloud.apps).toHaveLength(1);
  });
});
