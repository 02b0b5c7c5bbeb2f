/** The requests that the fake Fly answers. */

import { BROKEN_ON_PURPOSE } from "./contract.ts";
import type { FlyFake } from "./fly.ts";
import type { FakeApp, FakeMachine } from "./fly-cloud.ts";
import { logPage } from "./fly-logs.ts";
import { flyRefusals, Refused } from "./fly-refusals.ts";
import { addressBody, appBody, machineBody, validate, volumeBody } from "./fly-validation.ts";

/** The names of the requests. */
export type FlyOperation =
  | "createApp"
  | "listApps"
  | "getApp"
  | "deleteApp"
  | "listAddresses"
  | "assignAddress"
  | "createVolume"
  | "createMachine"
  | "listMachines"
  | "getMachine"
  | "deleteMachine"
  | "start"
  | "stop"
  | "suspend"
  | "wait"
  | "orgMachines"
  | "currentToken"
  | "logs";

/** A request to a route. */
export interface Call {
  readonly fake: FlyFake;
  /** The parameters of the path: an app, a machine, an organization. */
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly authorization: string | null;
}

/** A kind of request, and its answer. */
export interface Route {
  readonly operation: FlyOperation;
  readonly method: string;
  readonly path: RegExp;
  /** The path for the contract test. */
  specification(parameters: readonly string[]): string;
  answer(call: Call): Response | Promise<Response>;
}

const route = (
  operation: FlyOperation,
  method: string,
  path: string,
  answer: Route["answer"],
  base = "/v1",
): Route => ({
  operation,
  method,
  path: new RegExp(`^${base}${path.replaceAll("*", "([^/]+)")}$`),
  specification: (parameters) => parameters.reduce((rest, parameter) => rest.replace("*", parameter), path),
  answer,
});

export const routes: readonly Route[] = [
  route("currentToken", "GET", "/tokens/current", ({ fake }) =>
    Response.json({ tokens: [{ token_id: "token-1", organization: fake.organization, org_slug: fake.org }] }),
  ),
  route("createApp", "POST", "/apps", createApp),
  route("listApps", "GET", "/apps", listApps),
  route("getApp", "GET", "/apps/*", (call) => Response.json(appJson(call.fake, appOf(call)))),
  route("deleteApp", "DELETE", "/apps/*", deleteApp),
  route("listAddresses", "GET", "/apps/*/ip_assignments", (call) =>
    Response.json({ ips: appOf(call).addresses }),
  ),
  route("assignAddress", "POST", "/apps/*/ip_assignments", assignAddress),
  route("createVolume", "POST", "/apps/*/volumes", createVolume),
  route("createMachine", "POST", "/apps/*/machines", createMachine),
  route("listMachines", "GET", "/apps/*/machines", listMachines),
  route("getMachine", "GET", "/apps/*/machines/*", (call) => Response.json(machineJson(machineOf(call)))),
  route("deleteMachine", "DELETE", "/apps/*/machines/*", deleteMachine),
  route("start", "POST", "/apps/*/machines/*/start", start),
  route("stop", "POST", "/apps/*/machines/*/stop", (call) => stop(call, "stopped")),
  route("suspend", "POST", "/apps/*/machines/*/suspend", (call) => stop(call, "suspended")),
  route("wait", "GET", "/apps/*/machines/*/wait", wait),
  route("orgMachines", "GET", "/orgs/*/machines", orgMachines),
  route("logs", "GET", "/apps/*/logs", (call) => logPage(appOf(call), call.query), "/api/v1"),
];

function appOf({ fake, parameters }: Call): FakeApp {
  return fake.cloud.app(parameters[0] ?? "");
}

function machineOf(call: Call): FakeMachine {
  return call.fake.cloud.machine(appOf(call), call.parameters[1] ?? "");
}

function createApp({ fake, body }: Call): Response {
  const { name, org_slug: org, network = "default" } = validate(appBody, body);
  if (org !== fake.org) throw new Refused(flyRefusals.forbidden);
  if (fake.cloud.apps.some((app) => app.name === name)) throw new Refused(flyRefusals.nameTaken);
  const app = fake.cloud.addApp(name, org, network);
  const { createdAt } = app;
  app.knownAt = createdAt + fake.cloud.timing.appSpreadSeconds * 1000;
  return Response.json({ id: fake.cloud.newId(), created_at: createdAt }, { status: 201 });
}

function listApps({ fake, query }: Call): Response {
  if (query.get("org_slug") !== fake.org) throw new Refused(flyRefusals.forbidden);
  const apps = fake.cloud.apps.filter((app) => app.org === fake.org && fake.cloud.isListed(app));
  const rows = apps.map(({ name, machines, volumes, network }) => ({
    id: `id-${name}`,
    name,
    machine_count: machines.length,
    volume_count: volumes.length,
    network,
  }));
  const all = [...rows, ...fake.foreign.apps];
  // Go answers an empty list as null.
  return all.length === 0
    ? outOfForm({ total_apps: 0, apps: null })
    : answer({ total_apps: all.length, apps: all }, fake.foreign.apps);
}

/** An answer that the real API gives and its specification does not allow. */
function outOfForm(body: unknown): Response {
  return Response.json(body, { headers: { [BROKEN_ON_PURPOSE]: "yes" } });
}

function answer(body: unknown, foreign: readonly unknown[]): Response {
  return foreign.length === 0 ? Response.json(body) : outOfForm(body);
}

/** Without the network, which only the list of apps shows. */
function appJson(fake: FlyFake, { name, org, liveMachines }: FakeApp): object {
  if (org !== fake.org) throw new Refused(flyRefusals.forbidden);
  const status = liveMachines.length > 0 ? "deployed" : "pending";
  return { id: `id-${name}`, name, status, organization: { name: "Acme", slug: org } };
}

function deleteApp(call: Call): Response {
  const app = appOf(call);
  if (call.query.get("force") !== "true" && app.liveMachines.length > 0)
    throw new Refused({
      status: 412,
      error: "failed_precondition: the app has machines that are not stopped",
    });
  call.fake.cloud.removeApp(app);
  return new Response(null, { status: 202 });
}

function assignAddress(call: Call): Response {
  const { type } = validate(addressBody, call.body);
  const { addresses } = appOf(call);
  const isV6 = type.endsWith("v6");
  const ip = isV6 ? `2a09:8280:1::${addresses.length + 1}` : `66.241.124.${addresses.length + 1}`;
  const created_at = call.fake.cloud.clock.now().toISOString();
  const address = { ip, region: "global", shared: type === "shared_v4", created_at };
  addresses.push(address);
  return Response.json(address);
}

function createVolume(call: Call): Response {
  const { name, region, size_gb } = validate(volumeBody, call.body);
  if (call.fake.fullRegions.has(region)) throw new Refused(flyRefusals.regionFullInWords);
  const volume = { id: `vol_${call.fake.cloud.newId()}`, name, region, size_gb };
  appOf(call).volumes.push(volume);
  return Response.json({ ...volume, state: "created", encrypted: true });
}

function createMachine(call: Call): Response {
  const app = appOf(call);
  if (app.goneAt !== undefined) throw new Refused({ status: 404, error: `app not found: ${app.name}` });
  const { name = call.fake.cloud.newId(), region = "iad", config } = validate(machineBody, call.body);
  const holder = app.liveMachines.find((machine) => machine.name === name);
  if (holder !== undefined)
    throw new Refused({
      status: 409,
      error: `already_exists: unique machine name violation, machine ID ${holder.id} already exists with name "${name}"`,
    });
  if (call.fake.fullRegions.has(region)) throw new Refused(flyRefusals.regionFull);
  for (const { volume } of config.mounts ?? [])
    if (!app.volumes.some((other) => other.id === volume && other.region === region))
      throw new Refused({ status: 400, error: `volume ${volume} not found in region ${region}` });
  return Response.json(machineJson(call.fake.cloud.addMachine(app, name, region, config)));
}

function listMachines(call: Call): Response {
  const machines = appOf(call).liveMachines.map(machineJson);
  return machines.length === 0 ? outOfForm(null) : Response.json(machines);
}

function machineJson(machine: FakeMachine): object {
  const { id, name, state, region, config, createdAt, events, hostStatus } = machine;
  const shown =
    hostStatus === "ok" ? { config } : { incomplete_config: { image: config.image, guest: config.guest } };
  return {
    id,
    name,
    state,
    region,
    instance_id: versionOf(machine),
    private_ip: "fdaa:0:1:a7b::2",
    ...shown,
    image_ref: { registry: "registry-1.docker.io", repository: config.image, tag: "latest" },
    events,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(createdAt).toISOString(),
    host_status: hostStatus,
  };
}

function versionOf({ id }: FakeMachine): string {
  return `01VERSION${id}`;
}

function deleteMachine(call: Call): Response {
  const machine = machineOf(call);
  if (machine.state === "started" && call.query.get("force") !== "true")
    throw new Refused({ status: 412, error: "failed_precondition: unable to destroy machine, not stopped" });
  call.fake.cloud.destroy(machine);
  return Response.json({ ok: true });
}

const RESTING: readonly string[] = ["stopped", "suspended"];
const ENDING: readonly string[] = ["destroying", "destroyed"];

function start(call: Call): Response {
  const machine = machineOf(call);
  const { state } = machine;
  if (!RESTING.includes(state))
    throw new Refused({
      status: 412,
      error: `failed_precondition: unable to start machine from current state: '${state}'`,
    });
  if (call.fake.fullRegions.has(machine.region))
    throw new Refused({
      status: 409,
      error: "could not reserve resource for machine: insufficient CPUs available to fulfill request",
    });
  machine.go(["starting", 0], ["started", 1]);
  return Response.json({ previous_state: state, migrated: false, new_host: "" });
}

function stop(call: Call, state: "stopped" | "suspended"): Response {
  const machine = machineOf(call);
  if (RESTING.includes(machine.state))
    throw new Refused({ status: 412, error: "failed_precondition: machine is already stopped" });
  if (ENDING.includes(machine.state))
    throw new Refused({
      status: 412,
      error: `failed_precondition: unable to stop machine from current state: '${machine.state}'`,
    });
  if (state === "stopped" && call.body === undefined)
    throw new Refused({ status: 400, error: "invalid request body: EOF" });
  const memoryMb = machine.config.guest?.memory_mb ?? 256;
  if (state === "suspended" && memoryMb > 2048)
    throw new Refused({ status: 400, error: "machines with more than 2GB of memory cannot be suspended" });
  machine.stop(state, call.fake.cloud.timing.stopSeconds);
  return Response.json({ ok: true });
}

async function wait(call: Call): Promise<Response> {
  const machine = machineOf(call);
  const { clock } = call.fake.cloud;
  const wanted = call.query.get("state") ?? "started";
  if (wanted === "stopped" && call.query.get("version") !== versionOf(machine))
    throw new Refused({ status: 400, error: "invalid_argument: waiting for stopped needs the instance_id" });
  const seconds = Math.min(60, Math.max(1, Number(call.query.get("timeout") ?? 60)));
  const endsAt = clock.now().getTime() + seconds * 1000;
  while (machine.state !== wanted) {
    if (clock.now().getTime() >= endsAt)
      throw new Refused({
        status: 408,
        error: `deadline_exceeded: machine failed to reach desired state, ${wanted}, currently ${machine.state}`,
      });
    await clock.sleep(500);
  }
  return Response.json({ ok: true, state: machine.state });
}

function orgMachines({ fake, parameters, query }: Call): Response {
  if (parameters[0] !== fake.org) throw new Refused(flyRefusals.forbidden);
  const all = fake.cloud.machines.filter(
    ({ app, machine }) =>
      app.org === fake.org &&
      machine.isAlive &&
      fake.cloud.isListed(machine) &&
      !fake.silentRegions.has(machine.region),
  );
  const from = Number(query.get("cursor") ?? 0);
  const until = from + Math.min(fake.pageSize, Number(query.get("limit") ?? 100));
  const machines = all.slice(from, until).map(({ app, machine }) => {
    const { id, name, state, region, config, createdAt } = machine;
    const { image, guest, metadata } = config;
    const created_at = new Date(createdAt).toISOString();
    return { id, name, app_name: app.name, state, region, created_at, config: { image, guest, metadata } };
  });
  const next: { next_cursor?: string } = until < all.length ? { next_cursor: String(until) } : {};
  const silent = fake.silentRegions.size === 0 ? {} : { error_regions: [...fake.silentRegions] };
  const last = next.next_cursor === undefined ? fake.foreign.machines : [];
  return answer({ machines: [...machines, ...last], ...next, ...silent }, last);
}
