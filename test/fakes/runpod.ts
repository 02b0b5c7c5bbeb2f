/**
 * A fake of RunPod: REST v2 and serverless jobs, stateful, over an injected clock. Its handler serves msw, a real HTTP server and a
 * `fetch` option alike. With RunPod's specification, the fake checks every request and answer against it.
 */
import type { Clock } from "../../src/clock.ts";
import { BROKEN_ON_PURPOSE, type Contract } from "./contract.ts";
import { CPU_TYPES, cpuCatalogue, type FakeGpuType, GPU_TYPES, gpuCatalogue } from "./runpod-catalogue.ts";
import { isRest, runpodContract } from "./runpod-contract.ts";
import {
  CAPACITY_TEXT,
  FaultQueue,
  problem,
  type RunpodFault,
  type RunpodOperation,
} from "./runpod-faults.ts";
import { FakeEndpoints } from "./runpod-jobs.ts";
import { logStream, type OpenStreams } from "./runpod-logs.ts";
import { ACTIONS, type CreateBody, type FakePod, FakePods, type PodStatus } from "./runpod-pods.ts";
import { brokenRule, formErrors } from "./runpod-validation.ts";
import type { Handler } from "./serve.ts";
import type { Json } from "./specs.ts";

/** The options of a fake. */
export interface FakeRunpodOptions {
  readonly clock: Clock;
  readonly apiKey?: string;
  readonly bootSeconds?: number;
  readonly listLagSeconds?: number;
  readonly lingerSeconds?: number;
  /** The maximum number of pods per page. */
  readonly pageSize?: number;
  readonly gpuTypes?: readonly FakeGpuType[];
  /** Requests per minute; absent for an exempt caller. */
  readonly requestsPerMinute?: number;
}

/** The fake, and its controls for tests. */
export interface FakeRunpod {
  /** Both APIs, with the contract's checks. */
  readonly handler: Handler;
  /** The handler as a `fetch`. */
  readonly fetch: typeof globalThis.fetch;
  /** Both APIs without the contract's checks, for tests of the fake. */
  readonly bare: Handler;
  /** The violations of the specification; `undefined` without the specification. */
  readonly contract: Contract | undefined;
  readonly apiKey: string;
  readonly pods: readonly FakePod[];
  readonly endpoints: FakeEndpoints;
  /** Every request so far: `"POST /v2/pods"`. */
  readonly requests: readonly string[];
  /** Adds a pod that the API did not create. */
  add(name: string, env: Readonly<Record<string, string>>): FakePod;
  /** Adds an entry to the list that this API did not make, in any form. */
  addForeign(entry: unknown): void;
  statusOf(pod: FakePod): PodStatus;
  setStatus(podId: string, status: PodStatus | undefined): void;
  fault(operation: RunpodOperation, fault: RunpodFault, times?: number): void;
  /** Gives the list a second page, which fails. */
  failLaterPages(times: number): void;
  heal(): void;
  log(podId: string, line: string, source?: "container" | "system"): void;
  /** Cuts every open log stream. */
  cutStreams(): void;
}

/** Makes a fake. */
export function fakeRunpod(options: FakeRunpodOptions): FakeRunpod {
  const fake = new Fake(options);
  const bare: Handler = (request) => fake.handle(request);
  const contract = runpodContract();
  const handler = contract === undefined ? bare : contract.wrap(bare);
  return {
    handler,
    bare,
    contract,
    fetch: async (input, init) => handler(new Request(input, init)),
    apiKey: fake.apiKey,
    pods: fake.pods.all,
    endpoints: fake.endpoints,
    requests: fake.requests,
    add: (name, env) => fake.pods.create({ name, env, gpu: { id: "NVIDIA L4", count: 1 } }),
    addForeign: (entry) => fake.foreign.push(entry),
    statusOf: (pod) => fake.pods.statusOf(pod),
    setStatus: (podId, status) => fake.pods.force(fake.pod(podId), status),
    fault: (operation, fault, times = 1) => fake.faults.add(operation, fault, times),
    failLaterPages: (times) => {
      fake.brokenPages = times;
    },
    heal: () => {
      fake.faults.clear();
      fake.brokenPages = 0;
    },
    log: (podId, line, source) => fake.pods.log(fake.pod(podId), line, source),
    cutStreams: () => {
      for (const cut of [...fake.streams]) cut();
    },
  };
}

type Route = readonly [
  method: string,
  path: RegExp,
  operation: RunpodOperation,
  answer: (fake: Fake, request: Request, id: string) => Response | Promise<Response>,
];

const ROUTES: readonly Route[] = [
  ["POST", /^\/v2\/pods$/, "create", (fake, request) => fake.create(request)],
  ["GET", /^\/v2\/pods$/, "list", (fake, request) => fake.list(request)],
  ["GET", /^\/v2\/pods\/([^/]+)$/, "get", (fake, _, id) => fake.withPod(id, (pod) => fake.show(pod))],
  [
    "DELETE",
    /^\/v2\/pods\/([^/]+)$/,
    "terminate",
    (fake, _, id) => fake.withPod(id, (pod) => fake.terminate(pod)),
  ],
  [
    "POST",
    /^\/v2\/pods\/([^/]+)\/action$/,
    "action",
    (fake, request, id) => fake.withPod(id, (pod) => fake.act(pod, request)),
  ],
  [
    "GET",
    /^\/v2\/pods\/([^/]+)\/logs$/,
    "logs",
    (fake, request, id) => fake.withPod(id, (pod) => fake.logs(pod, request)),
  ],
  ["GET", /^\/v2\/catalog\/gpus$/, "gpus", (fake, request) => fake.gpuCatalogue(request)],
  ["GET", /^\/v2\/catalog\/cpus$/, "cpus", () => Response.json(cpuCatalogue())],
];

class Fake {
  readonly apiKey: string;
  readonly pods: FakePods;
  readonly endpoints: FakeEndpoints;
  readonly faults = new FaultQueue();
  readonly streams: OpenStreams = new Set();
  readonly requests: string[] = [];
  readonly foreign: unknown[] = [];
  brokenPages = 0;
  readonly #options: FakeRunpodOptions;
  readonly #gpuTypes: readonly FakeGpuType[];
  #window = { start: 0, count: 0 };

  constructor(options: FakeRunpodOptions) {
    const { clock, apiKey = "rpa_FAKEKEY0123456789abcdef", bootSeconds = 30 } = options;
    const { listLagSeconds = 0, lingerSeconds = 0 } = options;
    this.#options = options;
    this.#gpuTypes = options.gpuTypes ?? GPU_TYPES;
    this.apiKey = apiKey;
    this.pods = new FakePods({ clock, bootSeconds, listLagSeconds, lingerSeconds });
    this.endpoints = new FakeEndpoints(clock);
  }

  async handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}`);
    const refusal = this.#gate(request);
    if (refusal !== undefined) return refusal;
    for (const [method, path, operation, answer] of ROUTES) {
      const match = path.exec(pathname);
      if (match === null || method !== request.method) continue;
      const id = decodeURIComponent(match[1] ?? "");
      return this.#limited(await this.faults.answer(operation, request, () => answer(this, request, id)));
    }
    if (isRest(pathname)) return problem(404, "resource not found");
    return this.faults.answer("job", request, () => this.endpoints.answer(request));
  }

  pod(id: string): FakePod {
    const pod = this.pods.all.find((candidate) => candidate.id === id);
    if (pod === undefined) throw new Error(`the fake has no pod ${id}`);
    return pod;
  }

  withPod(id: string, answer: (pod: FakePod) => Response | Promise<Response>): Response | Promise<Response> {
    const pod = this.pods.find(id);
    return pod === undefined ? problem(404, "resource not found") : answer(pod);
  }

  async create(request: Request): Promise<Response> {
    const body: unknown = await request.json().catch(() => undefined);
    const errors = formErrors(body);
    if (errors.length > 0) return problem(422, "Request validation failed.", { errors });
    const valid = body as CreateBody;
    const rule = brokenRule(valid);
    if (rule !== undefined) return problem(400, rule);
    if (valid.templateId === "unknown") return problem(404, "template not found");
    if (!this.#hasRoom(valid)) return problem(400, CAPACITY_TEXT);
    return this.show(this.pods.create(valid), 201);
  }

  /** Without `gpu.count` the real scheduler finds no host, and answers as for a lack of capacity. */
  #hasRoom({ gpu, cpu, cloud, dataCenterIds = [] }: CreateBody): boolean {
    if (gpu === undefined) return CPU_TYPES.some(({ id }) => id === cpu?.id);
    const type = this.#gpuTypes.find(({ id }) => id === gpu.id);
    const shelf = cloud === "COMMUNITY" ? type?.community : type?.secure;
    if (shelf === undefined || gpu.count === undefined || gpu.count > shelf.maxCount) return false;
    const inReach = dataCenterIds.length === 0 || dataCenterIds.some((id) => shelf.dataCenters.includes(id));
    return shelf.stock !== "NONE" && inReach;
  }

  show(pod: FakePod, status = 200): Response {
    return Response.json(this.#toWire(pod), { status });
  }

  list(request: Request): Response {
    const query = new URL(request.url).searchParams;
    const size = Math.min(Number(query.get("limit") ?? 100), this.#options.pageSize ?? 100);
    const start = Number(atob(query.get("cursor") ?? btoa("0")));
    if (start > 0 && this.brokenPages > 0) {
      this.brokenPages -= 1;
      return problem(500, "something went wrong");
    }
    const visible = this.pods.visible();
    const end = start + size;
    const isLast = end >= visible.length && this.brokenPages === 0;
    const nextCursor = isLast ? null : btoa(String(end));
    const own = visible.slice(start, end).map((pod) => this.#toWire(pod));
    const pods = [...own, ...(isLast ? this.foreign : [])];
    const body = { pods, pagination: { nextCursor, hasNextPage: nextCursor !== null } };
    return Response.json(body, { headers: this.foreign.length === 0 ? {} : { [BROKEN_ON_PURPOSE]: "1" } });
  }

  terminate(pod: FakePod): Response {
    const status = this.pods.statusOf(pod);
    if (!ACTIONS[status].includes("terminate"))
      return problem(409, `cannot terminate a pod that is ${status}`);
    this.pods.force(pod, "TERMINATED");
    return new Response(null, { status: 204 });
  }

  async act(pod: FakePod, request: Request): Promise<Response> {
    const { action } = (await request.json()) as { action: string };
    if (!Object.values(ACTIONS).flat().includes(action))
      return problem(422, "Request validation failed.", { errors: [`body.action: ${action}`] });
    const status = this.pods.statusOf(pod);
    if (!ACTIONS[status].includes(action)) return problem(409, `cannot ${action} a pod that is ${status}`);
    if (action === "terminate") return this.terminate(pod);
    this.pods.force(pod, action === "stop" ? "EXITED" : undefined);
    return this.show(pod);
  }

  logs(pod: FakePod, request: Request): Response {
    return logStream(pod, request, this.streams, () => pod.forced === "TERMINATED");
  }

  gpuCatalogue(request: Request): Response {
    const query = new URL(request.url).searchParams;
    if (query.has("include") !== query.has("product")) return problem(400, "include and product go together");
    return Response.json(gpuCatalogue(this.#gpuTypes, query));
  }

  #toWire(pod: FakePod): Json {
    return this.pods.toWire(pod, this.#priceOf(pod.body));
  }

  #priceOf({ gpu, cpu, cloud }: CreateBody): number {
    if (gpu === undefined)
      return (CPU_TYPES.find(({ id }) => id === cpu?.id)?.price ?? 0) * (cpu?.vcpuCount ?? 0);
    const type = this.#gpuTypes.find(({ id }) => id === gpu.id);
    return ((cloud === "COMMUNITY" ? type?.community : type?.secure)?.price ?? 0) * (gpu.count ?? 1);
  }

  /** The checks before every operation: Cloudflare, the key, the rate limit. */
  #gate(request: Request): Response | undefined {
    const agent = request.headers.get("user-agent") ?? "";
    if (/^$|^node$|undici|python-urllib|^ky/i.test(agent))
      return new Response("error code: 1010", { status: 403 });
    if (request.headers.get("authorization") !== `Bearer ${this.apiKey}`)
      return problem(401, "invalid bearer token");
    const { requestsPerMinute } = this.#options;
    if (requestsPerMinute === undefined) return undefined;
    const now = this.#options.clock.now().getTime();
    if (now >= this.#window.start + 60_000) this.#window = { start: now, count: 0 };
    this.#window.count += 1;
    if (this.#window.count <= requestsPerMinute) return undefined;
    const wait = String(Math.ceil((this.#window.start + 60_000 - now) / 1000));
    return this.#limited(problem(429, "rate limit exceeded", { headers: { "retry-after": wait } }));
  }

  #limited(response: Response): Response {
    const { requestsPerMinute: quota, clock } = this.#options;
    if (quota === undefined) return response;
    const reset = Math.ceil((this.#window.start + 60_000 - clock.now().getTime()) / 1000);
    response.headers.set("ratelimit", `"minute";r=${Math.max(0, quota - this.#window.count)};t=${reset}`);
    response.headers.set("ratelimit-policy", `"minute";q=${quota};w=60`);
    return response;
  }
}
