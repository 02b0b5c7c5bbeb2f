/** The faults of the fake of RunPod, by name. */
import { BROKEN_ON_PURPOSE } from "./contract.ts";

/** The operations that can meet a fault. */
export type RunpodOperation =
  | "create"
  | "get"
  | "list"
  | "terminate"
  | "action"
  | "logs"
  | "gpus"
  | "cpus"
  | "job";

/** A refusal: `application/problem+json`, in RunPod's form. */
export function problem(
  status: number,
  detail: string,
  more: { errors?: readonly string[]; headers?: Readonly<Record<string, string>> } = {},
): Response {
  const { errors, headers } = more;
  const body = JSON.stringify({
    title: TITLES[status] ?? "Error",
    status,
    detail,
    ...(errors ? { errors } : {}),
  });
  const all = new Headers(headers);
  all.set("content-type", "application/problem+json");
  return new Response(body, { status, headers: all });
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
};

const broken = (body: string, status: number): Response =>
  new Response(body, { status, headers: { [BROKEN_ON_PURPOSE]: "1", "content-type": "application/json" } });

/** A refusal of a gateway, in a form of its own. */
const other = (status: number, body: object): Response =>
  Response.json(body, { status, headers: { [BROKEN_ON_PURPOSE]: "1" } });

/** Thrown by the handler to break the connection. */
export class ConnectionLost extends TypeError {
  override readonly name = "ConnectionLost";
}

/** The effect of a fault: before the work, after it (`done`), with or without an answer. */
interface FaultFacts {
  readonly done?: true;
  readonly answer: (request: Request) => Response | Promise<Response>;
}

/** Never answers; ends when the caller gives up. */
export function never({ signal }: Request): Promise<Response> {
  return new Promise((_, reject) => {
    const giveUp = (): void => reject(new ConnectionLost("given up"));
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
  });
}

const lost = (): never => {
  throw new ConnectionLost("the connection is lost");
};

/** RunPod's phrases for a lack of capacity. */
export const CAPACITY_TEXT =
  "There are no longer any instances available with the requested specifications. Please refresh and try again.";

const FAULTS = {
  capacity: { answer: () => problem(400, CAPACITY_TEXT) },
  "capacity-host": {
    answer: () => problem(400, "There are not enough free GPUs on the host machine to start this pod"),
  },
  "capacity-conflict": {
    answer: () => problem(409, "This machine does not have the resources to deploy your pod"),
  },
  conflict: { answer: () => problem(409, "the request conflicts with the pool's state") },
  "capacity-in-500": { answer: () => problem(500, CAPACITY_TEXT) },
  balance: { answer: () => problem(402, "Your balance is too low to deploy this pod") },
  "bad-key": { answer: () => problem(401, "invalid bearer token") },
  "refused-pool": { answer: () => problem(403, "your account cannot access the requested pool") },
  gateway: { answer: () => new Response("error code: 1010", { status: 403 }) },
  "gateway-404": { answer: () => new Response("<html>not found</html>", { status: 404 }) },
  "kong-404": { answer: () => other(404, { message: "no Route matched with those values" }) },
  "other-404": { answer: () => other(404, { error: "not found" }) },
  "kong-403": { answer: () => other(403, { message: "You cannot consume this service" }) },
  absent: { answer: () => problem(404, "resource not found") },
  invalid: { answer: () => problem(400, "dataCenterIds may not be used with this template") },
  "rate-limit": {
    answer: () =>
      problem(429, "rate limit exceeded", { headers: { "retry-after": "2", ratelimit: '"minute";r=0;t=3' } }),
  },
  "rate-limit-long": {
    answer: () => problem(429, "rate limit exceeded", { headers: { "retry-after": "3000" } }),
  },
  "timeout-before": { answer: never },
  "timeout-after": { done: true, answer: never },
  "connection-before": { answer: lost },
  "connection-after": { done: true, answer: lost },
  "error-before": { answer: () => problem(500, "something went wrong") },
  "error-after": { done: true, answer: () => problem(500, "something went wrong") },
  "unavailable-html": { answer: () => new Response("<html>502</html>", { status: 502 }) },
  "unreadable-after": { done: true, answer: () => broken("<html>hello</html>", 201) },
  "half-an-answer": { done: true, answer: () => broken('{"name":"x"}', 201) },
  hang: { answer: never },
  malformed: { answer: () => broken('{"data":[]}', 200) },
} as const satisfies Readonly<Record<string, FaultFacts>>;

/** A fault's name. */
export type RunpodFault = keyof typeof FAULTS;

/** The faults that wait for the next requests. */
export class FaultQueue {
  readonly #waiting = new Map<RunpodOperation, RunpodFault[]>();

  add(operation: RunpodOperation, fault: RunpodFault, times: number): void {
    const queue = this.#waiting.get(operation) ?? [];
    this.#waiting.set(operation, [...queue, ...Array<RunpodFault>(times).fill(fault)]);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** Answers a request: by its work, or by the fault that waits for it. */
  async answer(
    operation: RunpodOperation,
    request: Request,
    work: () => Response | Promise<Response>,
  ): Promise<Response> {
    const fault = this.#waiting.get(operation)?.shift();
    if (fault === undefined) return work();
    const facts: FaultFacts = FAULTS[fault];
    if (facts.done) await work();
    return facts.answer(request);
  }
}
