/**
 * A Docker daemon in memory, as far as `docker()` asks it. Its statuses and messages are those of the Engine 26.1, against which
 * `test/docker/fake.daemon.ts` compares it.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../src/clock.ts";
import type { ContainerBody } from "../../src/providers/docker/wire.ts";

/** A container of the fake. */
export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly body: ContainerBody;
  readonly createdAt: Date;
  status: "created" | "running" | "exited";
  exitCode: number;
  isOutOfMemory: boolean;
  policy: string;
  ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>;
  readonly logs: { readonly at: Date; readonly line: string }[];
}

/** The machine behind the fake. */
export interface FakeDaemonOptions {
  readonly clock: Clock;
  /** @default 0 and 1 */
  readonly devices?: readonly string[];
  /** Images that can be downloaded, beside `tiny:1`, which is there. */
  readonly registry?: readonly string[];
}

const FIRST_PORT = 32_768;

type Route = readonly [
  method: string,
  path: RegExp,
  answer: (fake: FakeDaemon, parameter: string, request: Request) => Response | Promise<Response>,
];

const json = (status: number, body: unknown): Response => Response.json(body, { status });
const refusal = (status: number, message: string): Response => json(status, { message });
const done = (status = 204): Response => new Response(null, { status });
const noContainer = (name: string): Response => refusal(404, `No such container: ${name}`);

const ROUTES: readonly Route[] = [
  ["GET", /^\/info$/, (fake) => json(200, fake.info())],
  ["POST", /^\/containers\/create$/, (fake, _, request) => fake.create(request)],
  ["GET", /^\/containers\/json$/, (fake, _, request) => fake.list(request)],
  ["GET", /^\/containers\/([^/]+)\/json$/, (fake, name) => fake.inspect(name)],
  ["POST", /^\/containers\/([^/]+)\/start$/, (fake, name) => fake.start(name)],
  ["POST", /^\/containers\/([^/]+)\/stop$/, (fake, name) => fake.stop(name)],
  ["POST", /^\/containers\/([^/]+)\/update$/, (fake, name, request) => fake.update(name, request)],
  ["GET", /^\/containers\/([^/]+)\/logs$/, (fake, name, request) => fake.logs(name, request)],
  ["DELETE", /^\/containers\/([^/]+)$/, (fake, name) => fake.remove(name)],
  ["GET", /^\/images\/(.+)\/json$/, (fake, image) => fake.image(image)],
  ["POST", /^\/images\/create$/, (fake, _, request) => fake.pull(request)],
  ["GET", /^\/volumes$/, (fake) => json(200, { Volumes: [...fake.volumes.values()] })],
  ["GET", /^\/volumes\/([^/]+)$/, (fake, name) => fake.volume(name)],
  ["DELETE", /^\/volumes\/([^/]+)$/, (fake, name) => fake.removeVolume(name)],
];

/** The daemon. */
export class FakeDaemon {
  readonly clock: Clock;
  readonly containers: FakeContainer[] = [];
  /** Also those that are removed. */
  readonly everMade: FakeContainer[] = [];
  readonly images: Set<string> = new Set(["tiny:1"]);
  readonly volumes: Map<string, { Name: string; Labels: Readonly<Record<string, string>> }> = new Map();
  readonly devices: readonly string[];
  readonly registry: readonly string[];
  /** Authorization headers of downloads. */
  readonly credentials: (string | null)[] = [];
  #nextPort = FIRST_PORT;

  constructor({ clock, devices = ["0", "1"], registry = [] }: FakeDaemonOptions) {
    this.clock = clock;
    this.devices = devices;
    this.registry = registry;
  }

  /** Answers a request. */
  handle = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    for (const [method, path, answer] of ROUTES) {
      const match = method === request.method ? path.exec(pathname) : null;
      if (match !== null) return answer(this, decodeURIComponent(match[1] ?? ""), request);
    }
    return refusal(404, "page not found");
  };

  info(): object {
    const ids = this.devices.map((id) => ({ Source: "cdi", ID: `nvidia.com/gpu=${id}` }));
    return {
      NCPU: 4,
      MemTotal: 16 * 1024 ** 3,
      CDISpecDirs: ["/etc/cdi"],
      DiscoveredDevices: ids,
      Runtimes: { runc: {} },
    };
  }

  async create(request: Request): Promise<Response> {
    const name = new URL(request.url).searchParams.get("name") ?? "";
    const body = (await request.json()) as ContainerBody;
    if (!this.images.has(body.Image)) return refusal(404, `No such image: ${body.Image}`);
    const holder = this.#find(name);
    if (holder !== undefined)
      return refusal(
        409,
        `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    if (body.HostConfig.StorageOpt !== undefined)
      return refusal(500, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
    const container = this.#make(name, body);
    for (const { Source, VolumeOptions } of body.HostConfig.Mounts ?? [])
      if (Source !== undefined && !this.volumes.has(Source))
        this.volumes.set(Source, { Name: Source, Labels: VolumeOptions?.Labels ?? {} });
    return json(201, { Id: container.id, Warnings: [] });
  }

  #make(name: string, body: ContainerBody): FakeContainer {
    const container: FakeContainer = {
      id: randomBytes(32).toString("hex"),
      name,
      body,
      createdAt: this.clock.now(),
      status: "created",
      exitCode: 0,
      isOutOfMemory: false,
      policy: body.HostConfig.RestartPolicy?.Name ?? "no",
      ports: {},
      logs: [],
    };
    this.containers.push(container);
    this.everMade.push(container);
    return container;
  }

  /** Adds a running container of another store. */
  add(name: string, owner: string): FakeContainer {
    const container = this.#make(name, { Image: "tiny:1", Labels: { "atlas.owner": owner }, HostConfig: {} });
    container.status = "running";
    return container;
  }

  /** The container of this name, id, or beginning of an id. */
  #find(name: string): FakeContainer | undefined {
    const bare = name.replace(/^\//, "");
    return (
      this.containers.find((container) => container.id === bare || container.name === bare) ??
      this.containers.find(({ id }) => bare !== "" && id.startsWith(bare))
    );
  }

  list(request: Request): Response {
    const filters = JSON.parse(new URL(request.url).searchParams.get("filters") ?? "{}");
    const patterns: readonly RegExp[] = (filters.name ?? []).map((pattern: string) => new RegExp(pattern));
    const labels: readonly string[] = filters.label ?? [];
    const fits = ({ name, body }: FakeContainer): boolean =>
      (patterns.length === 0 || patterns.some((pattern) => pattern.test(`/${name}`))) &&
      labels.every((label) => Object.hasOwn(body.Labels ?? {}, label));
    return json(
      200,
      this.containers.filter(fits).map(({ id, name, createdAt, status, body }) => ({
        Id: id,
        Names: [`/${name}`],
        Created: Math.floor(createdAt.getTime() / 1000),
        State: status,
        Labels: body.Labels,
      })),
    );
  }

  inspect(name: string): Response {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    const { body, status } = container;
    return json(200, {
      Id: container.id,
      Name: `/${container.name}`,
      Created: container.createdAt.toISOString(),
      State: { Status: status, ExitCode: container.exitCode, OOMKilled: container.isOutOfMemory, Error: "" },
      Config: { Labels: body.Labels, Env: body.Env ?? [], Tty: false, Cmd: body.Cmd },
      HostConfig: {
        NetworkMode: body.HostConfig.NetworkMode ?? "bridge",
        RestartPolicy: { Name: container.policy },
      },
      NetworkSettings: { Ports: status === "running" ? container.ports : {} },
    });
  }

  start(name: string): Response {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    if (container.status === "running") return done(304);
    const unknown = (container.body.HostConfig.DeviceRequests ?? [])
      .flatMap(({ DeviceIDs }) => DeviceIDs)
      .filter((id) => !this.devices.includes(id.replace("nvidia.com/gpu=", "")));
    if (unknown.length > 0)
      return refusal(500, `CDI device injection failed: unresolvable CDI devices ${unknown.join(", ")}`);
    container.status = "running";
    container.ports = Object.fromEntries(
      Object.entries(container.body.HostConfig.PortBindings ?? {}).map(([port, bindings]) => {
        this.#nextPort += 1;
        return [port, bindings.map(({ HostIp }) => ({ HostIp, HostPort: String(this.#nextPort) }))];
      }),
    );
    return done();
  }

  stop(name: string): Response {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    if (container.status !== "running") return done(304);
    this.exit(container.id, 143);
    return done();
  }

  /** The program of a container ends. */
  exit(id: string, code: number, isOutOfMemory = false): void {
    const container = this.#find(id);
    if (container === undefined) throw new Error(`the fake has no container ${id}`);
    Object.assign(container, { status: "exited", exitCode: code, isOutOfMemory });
  }

  async update(name: string, request: Request): Promise<Response> {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    const { RestartPolicy } = (await request.json()) as { RestartPolicy: { Name: string } };
    container.policy = RestartPolicy.Name;
    return json(200, { Warnings: null });
  }

  remove(name: string): Response {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    this.containers.splice(this.containers.indexOf(container), 1);
    return done();
  }

  logs(name: string, request: Request): Response {
    const container = this.#find(name);
    if (container === undefined) return noContainer(name);
    const query = new URL(request.url).searchParams;
    const tail = Number(query.get("tail"));
    const lines = tail === 0 ? [] : container.logs.slice(-tail);
    const frames = lines.map(({ at, line }) => frame(`${at.toISOString()} ${line}\n`));
    const bytes = Buffer.concat(frames);
    if (query.get("follow") !== "true" || container.status !== "running") return new Response(bytes);
    return new Response(this.#followed(container, bytes, request.signal));
  }

  /** A stream that ends when the container does. */
  #followed(container: FakeContainer, bytes: Uint8Array, signal: AbortSignal): ReadableStream<Uint8Array> {
    const isOver = (): boolean =>
      signal.aborted || container.status !== "running" || !this.containers.includes(container);
    return new ReadableStream({
      start: (controller) => void (bytes.length > 0 && controller.enqueue(bytes)),
      pull: async (controller) => {
        while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 5));
        controller.close();
      },
    });
  }

  image(image: string): Response {
    return this.images.has(image) ? json(200, { Id: image }) : refusal(404, `No such image: ${image}`);
  }

  pull(request: Request): Response {
    const query = new URL(request.url).searchParams;
    const image = `${query.get("fromImage")}:${query.get("tag")}`;
    this.credentials.push(request.headers.get("x-registry-auth"));
    const progress = { id: "a1", status: "Downloading", progressDetail: { current: 50, total: 100 } };
    if (!this.registry.includes(image))
      return lines([progress, { error: `manifest for ${image} not found: manifest unknown` }]);
    this.images.add(image);
    return lines([progress, { id: "a1", status: "Pull complete" }]);
  }

  volume(name: string): Response {
    return this.volumes.has(name) ? json(200, { Name: name }) : refusal(404, `get ${name}: no such volume`);
  }

  removeVolume(name: string): Response {
    const user = this.containers.find(({ body }) =>
      body.HostConfig.Mounts?.some(({ Source }) => Source === name),
    );
    if (user !== undefined) return refusal(409, `remove ${name}: volume is in use - [${user.id}]`);
    return this.volumes.delete(name) ? done() : refusal(404, `get ${name}: no such volume`);
  }
}

function lines(all: readonly object[]): Response {
  return new Response(all.map((line) => `${JSON.stringify(line)}\r\n`).join(""));
}

function frame(text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(1, 0);
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}
