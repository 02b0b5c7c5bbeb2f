/** fly() before its fake, for a world. */
import fc from "fast-check";
import type { Clock } from "../../src/clock.ts";
import { fly } from "../../src/providers/fly/index.ts";
import { toNetworkName } from "../../src/providers/fly/network.ts";
import { OWNER_KEY } from "../../src/providers/fly/wire.ts";
import { FlyFake, type FlyFault } from "../fakes/fly.ts";
import type { FakeMachine } from "../fakes/fly-cloud.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { flyRefusals } from "../fakes/fly-refusals.ts";
import type { FlyOperation } from "../fakes/fly-routes.ts";
import type { Cloud } from "../support/world/cloud.ts";
import type { Scenery } from "../support/world/happenings.ts";
import { whileAlive } from "../support/world/mortal.ts";

/** An operation meets a fault, a region has no room, or the organization's list does not reach it. */
type Provocation =
  | { readonly operation: FlyOperation; readonly fault: FlyFault; readonly times: number }
  | { readonly fullRegion: "fra" | "ams" }
  | { readonly silentRegion: "fra" | "ams" };

const operations: readonly FlyOperation[] = [
  ...([
    "createApp",
    "getApp",
    "deleteApp",
    "listApps",
    "assignAddress",
    "createVolume",
    "createMachine",
  ] as const),
  ...([
    "createMachine",
    "getMachine",
    "listMachines",
    "orgMachines",
    "deleteMachine",
    "start",
    "stop",
  ] as const),
  "wait",
  "currentToken",
];

const flyFaults: readonly FlyFault[] = [
  ...Object.values(flyRefusals).filter(({ status }) => status !== 401),
  ...(["timeout", "connection", "error"] as const).flatMap(
    (kind) => [`${kind}-before`, `${kind}-after`] as const,
  ),
  "unreadable-after",
  "malformed",
];

const faults: fc.Arbitrary<{ at: number; fault: Provocation }> = fc.record({
  at: fc.constant(0),
  fault: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        operation: fc.constantFrom(...operations),
        fault: fc.constantFrom(...flyFaults),
        times: fc.constantFrom(1, 1, 2, 6),
      }),
    },
    { weight: 1, arbitrary: fc.record({ fullRegion: fc.constantFrom("fra" as const, "ams" as const) }) },
    { weight: 1, arbitrary: fc.record({ silentRegion: fc.constantFrom("fra" as const, "ams" as const) }) },
  ),
});

const base = { image: "ghcr.io/acme/server:1", regions: ["fra", "ams"] } as const;

/** Fly with an app for each compute. */
export const flyScenery: Scenery<Provocation> = {
  clouds: (clock) => [flyCloud(clock)],
  requests: [base, { ...base, auth: ["bearer", "signed-url"] }, { ...base, volumeGb: 5 }],
  faults,
  incidents: ["end", "crash", "destroy", "remove"],
};

/** Fly with one app for all. */
export const sharedFlyScenery: Scenery<Provocation> = {
  clouds: (clock) => [flyCloud(clock, "computes")],
  requests: [base, { ...base, auth: ["bearer", "signed-url"] }],
  faults,
  incidents: ["end", "crash", "destroy"],
};

function flyCloud(clock: Clock, shared?: string): Cloud<Provocation> {
  const fake = new FlyFake({ clock, timing: { removeAppSeconds: 3, appSpreadSeconds: 2 }, pageSize: 2 });
  if (shared !== undefined) fake.cloud.addApp(shared, fake.org, "default");
  const handle = flyContract?.wrap(fake.handle) ?? fake.handle;
  return {
    name: "fly",
    connect: (process) =>
      fly({
        apiKey: fake.apiKey,
        org: fake.org,
        ...(shared === undefined ? {} : { app: shared }),
        clock,
        fetch: (input, init) => whileAlive(process, async () => handle(new Request(input, init))),
      }),
    instances: () =>
      fake.cloud.everMade.map(({ id, name, isAlive, config }) => ({
        id,
        name,
        alive: isAlive,
        env: config.env ?? {},
      })),
    remains: () => ownApps(fake, shared),
    provoke: (provocation) => {
      if ("fullRegion" in provocation) fake.fullRegions.add(provocation.fullRegion);
      else if ("silentRegion" in provocation) fake.silentRegions.add(provocation.silentRegion);
      else fake.fault(provocation.operation, provocation.fault, provocation.times);
      return [];
    },
    heal: () => fake.heal(),
    incidents: incidentsOf(fake),
    addStranger: (name, owner) => strangerIn(fake, shared, name, owner),
    fetch: async () => new Response("ok"),
    secrets: [fake.apiKey],
    violations: () => flyContract?.violations ?? [],
  };
}

function strangerIn(fake: FlyFake, shared: string | undefined, name: string, owner: string): string {
  const { cloud, org } = fake;
  const app = shared ?? cloud.addApp(name, org, toNetworkName(name, owner, cloud.clock.now())).name;
  const config = { image: base.image, metadata: { [OWNER_KEY]: owner } };
  return cloud.addMachine(cloud.app(app), name, "fra", config).id;
}

/** The apps of computes: in a stranger's app is a machine that we did not make. */
function ownApps({ cloud }: FlyFake, shared: string | undefined): readonly string[] {
  const apps = cloud.apps.filter(({ name, machines }) => name !== shared && machines.every(isOurs));
  return apps.map(({ name }) => name);
}

function isOurs({ config }: FakeMachine): boolean {
  return config.env?.ATLAS_COMPUTE_ID !== undefined;
}

function incidentsOf(fake: FlyFake): Cloud<Provocation>["incidents"] {
  const { cloud } = fake;
  const exit = (id: string, code: number): void => {
    const machine = fake.machine(id);
    if (machine.state === "started") machine.exit(code);
  };
  // The provider cannot distinguish a machine that no read saw running from one that is ending.
  const gone = ["vanished", "boot_timeout"] as const;
  return {
    end: { excuses: ["exited"], happenTo: ({ id }) => exit(id, 0) },
    crash: { excuses: ["failed", "exited"], happenTo: ({ id }) => exit(id, 1) },
    destroy: { excuses: ["failed", ...gone], happenTo: ({ id }) => cloud.destroy(fake.machine(id)) },
    remove: { excuses: gone, happenTo: ({ name }) => cloud.removeApp(cloud.app(name)) },
  };
}
