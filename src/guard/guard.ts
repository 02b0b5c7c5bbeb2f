import type { IncomingMessage, ServerResponse } from "node:http";
import type { MiddlewareHandler } from "hono";
import * as z from "zod/mini";
import { field, parseFields } from "../internal/parse.ts";
import { GuardCore } from "./core.ts";
import { type AcceptedHash, acceptedHashSchema } from "./life/heartbeat.ts";
import { endProcessGroup } from "./life/self-ending.ts";
import { type GuardOptions, parseOptions } from "./options.ts";
import { type FetchHandler, guardFetch, guardHono } from "./servers/fetch.ts";
import { admitRequest, admitUpgrade, type NodeListener, type UpgradeListener } from "./servers/node.ts";
import type { GuardRequest, Verdict } from "./verdict/request.ts";

/** Express's middleware: also that of Connect and of whatever else calls `next`. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The check inside a pod, in the shape that each kind of server takes. */
export interface Guard extends AsyncDisposable {
  /** Puts the guard in front of a Fetch handler. */
  fetch<Rest extends readonly unknown[]>(
    handler: FetchHandler<Rest>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /** Hono's middleware. Register it before every other one. */
  hono(): MiddlewareHandler;
  /** Express's middleware. Register it before every other one. */
  express(): ExpressMiddleware;
  /** Puts the guard in front of a `node:http` request listener. */
  node(listener: NodeListener): NodeListener;
  /** Puts the guard in front of a `node:http` upgrade listener: WebSockets. Express needs it too. */
  upgrade(listener: UpgradeListener): UpgradeListener;
  /** The bare decision, for a server that has no adapter here. A pass counts as a sign of life. Never throws. */
  judge(request: GuardRequest): Verdict;
  /** Says that the pod is busy although nobody calls it: a long job, for example. */
  heartbeat(): void;
  /**
   * From now on these tokens are accepted, and no others; an empty list refuses all. With a control plane, the answers
   * to heartbeats do this. What is connected stays connected.
   * @throws VALIDATION for a hash that is none.
   */
  replaceHashes(hashes: readonly AcceptedHash[]): void;
  /** Ends heartbeats and the dead man's switch. Requests are judged as before. */
  close(): Promise<void>;
}

/**
 * Makes the guard of this pod. Without a key it refuses everything but public paths, and says so in the log.
 *
 * @throws VALIDATION for an option or a variable of the pod's environment that cannot be right.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { createGuard } from "atlas-compute/guard";
 *
 * const guard = createGuard({ origins: ["https://app.example"], publicPaths: ["/healthz"] });
 * const server = createServer(guard.node((_request, response) => response.end("hello")));
 * server.listen(8000);
 * ```
 */
export function createGuard(options: GuardOptions = {}): Guard {
  return guardOf(new GuardCore(parseOptions(options), endProcessGroup));
}

/** The guard's methods over its core. */
export function guardOf(core: GuardCore): Guard {
  const close = (): Promise<void> => core.close();
  return {
    fetch: (handler) => guardFetch(core, handler),
    hono: () => guardHono(core),
    express: () => (request, response, next) => {
      if (admitRequest(core, request, response).kind === "pass") next();
    },
    node: (listener) => (request, response) => {
      if (admitRequest(core, request, response).kind === "pass") listener(request, response);
    },
    upgrade: (listener) => (request, socket, head) => {
      if (admitUpgrade(core, request, socket).kind === "pass") listener(request, socket, head);
    },
    judge: (request) => core.judge(request),
    heartbeat: () => core.heartbeat(),
    replaceHashes: (hashes) => core.replaceHashes(parseHashes(hashes)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function parseHashes(hashes: readonly AcceptedHash[]): readonly AcceptedHash[] {
  const allowed = "{ hash, expiresAt } with 64 lowercase hex digits and an ISO time or null";
  return parseFields(
    "The list of hashes",
    { hashes: field(z.array(acceptedHashSchema), allowed) },
    { hashes },
  ).hashes;
}
