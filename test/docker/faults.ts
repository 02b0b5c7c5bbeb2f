/** Faults on the way to a daemon, real or fake. */
import type { FaultyOperation, LawFault } from "../../src/laws/provider-laws.ts";

/** A kind of request to the daemon. */
export type DockerOperation = "create" | "start" | "inspect" | "list" | "remove" | "other";

/** A fault that one request meets. */
export type DockerFault =
  | `${"timeout" | "connection" | "error"}-${"before" | "after"}`
  | "unreadable-after"
  | "malformed"
  | { readonly status: number; readonly message: string };

/** Refusals in the daemon's own words. */
export const dockerRefusals = {
  noDriver: { status: 500, message: 'could not select device driver "" with capabilities: [[gpu]]' },
  badRequest: { status: 400, message: "invalid reference format" },
} as const satisfies Readonly<Record<string, DockerFault>>;

function operationOf({ method, url }: Request): DockerOperation {
  const { pathname, searchParams } = new URL(url);
  if (method === "POST" && pathname === "/containers/create")
    return searchParams.get("name")?.startsWith("atlas-") ? "create" : "other";
  if (method === "POST" && pathname.endsWith("/start")) return "start";
  if (method === "GET" && pathname === "/containers/json") return "list";
  if (method === "GET" && /^\/containers\/[^/]+\/json$/.test(pathname)) return "inspect";
  return method === "DELETE" ? "remove" : "other";
}

/** A `fetch` that lets requests meet faults, and gives all others to the daemon. */
export interface FaultyFetch {
  readonly fetch: typeof globalThis.fetch;
  fault(operation: DockerOperation, fault: DockerFault, times: number): void;
  heal(): void;
}

/** Makes the `fetch` over the way to a daemon. */
export function faultyFetch(daemon: (request: Request) => Promise<Response>): FaultyFetch {
  const waiting: { operation: DockerOperation; fault: DockerFault }[] = [];
  return {
    fault: (operation, fault, times) => {
      for (let count = 0; count < times; count += 1) waiting.push({ operation, fault });
    },
    heal: () => void waiting.splice(0),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      const operation = operationOf(request);
      const index = waiting.findIndex((other) => other.operation === operation);
      const [met] = index < 0 ? [] : waiting.splice(index, 1);
      return met === undefined ? daemon(request) : meet(met.fault, request, daemon);
    },
  };
}

async function meet(
  fault: DockerFault,
  request: Request,
  daemon: (request: Request) => Promise<Response>,
): Promise<Response> {
  if (typeof fault === "object") return Response.json({ message: fault.message }, { status: fault.status });
  if (fault === "malformed") return Response.json({ surprise: true });
  if (fault.endsWith("-after")) await (await daemon(request.clone())).arrayBuffer();
  if (fault.startsWith("connection"))
    throw Object.assign(new TypeError("fetch failed"), { code: "ECONNRESET" });
  if (fault.startsWith("error")) return Response.json({ message: "context canceled" }, { status: 500 });
  if (fault === "unreadable-after") return new Response("<html>", { status: 200 });
  return new Promise((_, reject) => {
    request.signal.addEventListener("abort", () => reject(request.signal.reason), { once: true });
  });
}

const FAULTS: Readonly<Partial<Record<LawFault, DockerFault>>> = {
  capacity: dockerRefusals.noDriver,
  invalid: dockerRefusals.badRequest,
  hang: "timeout-before",
  "timeout-before": "timeout-before",
  "timeout-after": "timeout-after",
  "connection-before": "connection-before",
  "connection-after": "connection-after",
  "error-before": "error-before",
  "error-after": "error-after",
  "unreadable-after": "unreadable-after",
  malformed: "malformed",
};

const START_FAULTS: ReadonlySet<LawFault> = new Set(["capacity", "timeout-after", "connection-after"]);

/** Provokes a fault of the law suite. A create can fail in the create or in the start of its container. */
export function provoke(
  faulty: FaultyFetch,
  operation: FaultyOperation,
  fault: LawFault,
  times: number,
): void {
  const dockerFault = FAULTS[fault];
  if (dockerFault === undefined) throw new Error(`Docker has no ${fault}`);
  faulty.fault(targetOf(operation, fault), dockerFault, times);
}

function targetOf(operation: FaultyOperation, fault: LawFault): DockerOperation {
  if (operation === "create") return START_FAULTS.has(fault) ? "start" : "create";
  if (operation === "terminate") return "remove";
  return operation === "list" ? "list" : "inspect";
}
