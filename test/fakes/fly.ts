/** A fake of Fly: the Machines API and its logs, with state that follows a clock. Also `Handler` for a real server. */
import { type Clock, systemClock } from "../../src/clock.ts";
import { BROKEN_ON_PURPOSE } from "./contract.ts";
import { type CloudTiming, type FakeMachine, FlyCloud } from "./fly-cloud.ts";
import { type FlyRefusal, flyRefusals, Refused, refuse } from "./fly-refusals.ts";
import { type Call, type FlyOperation, type Route, routes } from "./fly-routes.ts";

/** The options of the fake. */
export interface FlyFakeOptions {
  readonly clock?: Clock;
  /** The token without its scheme. */
  readonly apiKey?: string;
  readonly org?: string;
  readonly timing?: Partial<CloudTiming>;
  /** The number of machines per page of the organization's list. */
  readonly pageSize?: number;
  readonly rateLimits?: boolean;
}

/** The fault of a request: a refusal of Fly's, or a failure without an answer. */
export type FlyFault =
  | FlyRefusal
  | "timeout-before"
  | "timeout-after"
  | "connection-before"
  | "connection-after"
  | "error-before"
  | "error-after"
  | "unreadable-after"
  | "malformed";

/** A request to the fake, and its answer. */
export interface FlyExchange {
  readonly operation: FlyOperation;
  readonly method: string;
  /** The path as in the specification, after `/v1`. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** Absent when the request got no answer. */
  status?: number;
  /** Absent when the answer was a fault, or empty. */
  answer?: unknown;
}

/** Thrown instead of an answer: the connection breaks. */
export class ConnectionCut extends Error {}

const TIMING: CloudTiming = {
  bootSeconds: 4,
  stopSeconds: 2,
  destroySeconds: 2,
  removeAppSeconds: 1,
  listLagSeconds: 10,
  appSpreadSeconds: 0,
};

/** The fake. Every test makes its own. */
export class FlyFake {
  readonly cloud: FlyCloud;
  readonly org: string;
  readonly apiKey: string;
  readonly pageSize: number;
  /** The organization that the key is for, as `GET /tokens/current` names it. */
  organization = "org-4711";
  readonly exchanges: FlyExchange[] = [];
  /** Regions without capacity. */
  readonly fullRegions: Set<string> = new Set();
  /** Regions that the organization's list does not reach. */
  readonly silentRegions: Set<string> = new Set();
  /** Entries of the organization's lists that this API did not make, in any form. */
  readonly foreign: { readonly apps: unknown[]; readonly machines: unknown[] } = { apps: [], machines: [] };
  readonly #rateLimits: boolean;
  readonly #buckets: Map<string, { tokens: number; at: number }> = new Map();
  readonly #faults: { operation: FlyOperation; fault: FlyFault; times: number }[] = [];

  constructor(options: FlyFakeOptions = {}) {
    this.cloud = new FlyCloud(options.clock ?? systemClock, { ...TIMING, ...options.timing });
    this.org = options.org ?? "acme";
    this.apiKey = options.apiKey ?? "fm2_testtoken0123456789";
    this.pageSize = options.pageSize ?? 1000;
    this.#rateLimits = options.rateLimits ?? true;
  }

  /** Queues a fault for the next `times` requests of an operation, after those already queued. */
  fault(operation: FlyOperation, fault: FlyFault, times = 1): void {
    this.#faults.push({ operation, fault, times });
  }

  /** Clears every fault. */
  heal(): void {
    this.#faults.length = 0;
    this.fullRegions.clear();
    this.silentRegions.clear();
  }

  /** The machine with this id, in any app. */
  machine(id: string): FakeMachine {
    const found = this.cloud.machines.find(({ machine }) => machine.id === id);
    if (found === undefined) throw new Error(`the fake has no machine ${id}`);
    return found.machine;
  }

  /** Answers a request. */
  readonly handle = async (request: Request): Promise<Response> => {
    const call = await this.#toCall(request);
    const fault = this.#nextFault(call.route.operation);
    const exchange = this.#record(call);
    const { response, genuine } = await this.#respond(call, fault, request.signal);
    const text = await response.clone().text();
    exchange.status = response.status;
    if (genuine && text !== "") exchange.answer = JSON.parse(text);
    return response;
  };

  async #toCall(request: Request): Promise<Call & { route: Route; method: string }> {
    const url = new URL(request.url);
    for (const route of routes) {
      const match = route.method === request.method ? route.path.exec(url.pathname) : null;
      if (match === null) continue;
      const text = await request.text();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const parameters = match.slice(1).map(decodeURIComponent);
      const authorization = request.headers.get("authorization");
      const query = url.searchParams;
      return { fake: this, route, method: request.method, parameters, query, body, authorization };
    }
    throw new Error(`the fake Fly has no ${request.method} ${url.pathname}`);
  }

  async #respond(
    call: Call & { route: Route },
    fault: FlyFault | undefined,
    signal: AbortSignal,
  ): Promise<{ response: Response; genuine: boolean }> {
    if (fault === undefined) return { response: await this.#answer(call), genuine: true };
    if (typeof fault !== "string") return { response: refuse(fault), genuine: true };
    if (fault === "malformed") return { response: broken({ surprise: [1] }), genuine: false };
    if (fault.endsWith("-after")) await this.#answer(call);
    if (fault.startsWith("timeout")) await silence(signal);
    if (fault.startsWith("connection")) throw new ConnectionCut("cut");
    const response =
      fault === "unreadable-after"
        ? new Response('{"id": ', { status: 200 })
        : refuse(flyRefusals.serverError);
    return { response, genuine: false };
  }

  async #answer(call: Call & { route: Route }): Promise<Response> {
    try {
      const token = (call.authorization ?? "").replace(/^(Bearer|FlyV1) /, "");
      if (token !== this.apiKey) throw new Refused(flyRefusals.badToken);
      if (this.#rateLimits) this.#spend(call);
      return await call.route.answer(call);
    } catch (error) {
      if (error instanceof Refused) return refuse(error.refusal);
      throw error;
    }
  }

  /** The rate limit: one request per second for each action on each thing, with bursts of three; five times that for reads of a machine. */
  #spend({ route, parameters }: Call & { route: Route }): void {
    if (route.operation === "logs" || route.operation === "wait") return;
    const [perSecond, burst] = route.operation === "getMachine" ? [5, 10] : [1, 3];
    const key = [route.operation, ...parameters].join(" ");
    const now = this.cloud.clock.now().getTime();
    const { tokens, at } = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + ((now - at) / 1000) * perSecond);
    if (filled < 1) throw new Refused(flyRefusals.rateLimit);
    this.#buckets.set(key, { tokens: filled - 1, at: now });
  }

  #nextFault(operation: FlyOperation): FlyFault | undefined {
    const next = this.#faults.find((entry) => entry.operation === operation && entry.times > 0);
    if (next === undefined) return undefined;
    next.times -= 1;
    return next.fault;
  }

  #record({ route, method, parameters, query, body }: Call & { route: Route; method: string }): FlyExchange {
    const path = route.specification(parameters);
    const exchange = { operation: route.operation, method, path, query: Object.fromEntries(query), body };
    this.exchanges.push(exchange);
    return exchange;
  }
}

/** A success with a body that is not in the specification. */
function broken(body: unknown): Response {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/json", [BROKEN_ON_PURPOSE]: "yes" };
  return new Response(text, { status: 200, headers });
}

/** Never answers; ends when the caller does. */
async function silence(signal: AbortSignal): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  throw new ConnectionCut("the caller gave up");
}
