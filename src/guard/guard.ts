import type { IncomingMessage, ServerResponse } from "node:http";
import type { MiddlewareHandler } from "hono";
import * as z from "zod/mini";
import { field, parseFields } from "../internal/parse.ts";
import { GuardCore } from "./core.ts";
import { acceptedHashSchema } from "./life/heartbeat.ts";
import { endProcessGroup } from "./life/self-ending.ts";
import { type GuardOptions, parseOptions } from "./options.ts";
import { type FetchHandler, guardFetch, guardHono } from "./servers/fetch.ts";
import type { Http2Listener } from "./servers/http2.ts";
import { admitRequest, admitUpgrade, type NodeListener, type UpgradeListener } from "./servers/node.ts";
import type { GuardRequest, GuardVerdict } from "./verdict/request.ts";
import type { AcceptedHash } from "./verdict/state.ts";

/** Middleware for Express, Connect and other frameworks that call `next`. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The check inside a pod, in a form for each kind of server. */
export interface Guard extends AsyncDisposable {
  /** Puts the guard in front of a Fetch handler. */
  fetch<Rest extends readonly unknown[]>(
    handler: FetchHandler<Rest>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /** Makes middleware for Hono. Register it before all other middleware. */
  hono(): MiddlewareHandler;
  /** Makes middleware for Express. Register it before all other middleware. */
  express(): ExpressMiddleware;
  /** Puts the guard in front of a `node:http` request listener. */
  node(listener: NodeListener): NodeListener;
  /** Puts the guard in front of a `node:http2` request listener, whose parameters have to name their types. */
  node(listener: Http2Listener): Http2Listener;
  /** Puts the guard in front of a `node:http` upgrade listener, for WebSockets. An Express application needs it too. */
  upgrade(listener: UpgradeListener): UpgradeListener;
  /**
   * Judges a request, for a server without an adapter here. A pass counts as a sign of life. Never throws or rejects. The verdict is a
   * promise only while the guard asks the control plane about a token that it does not know yet.
   */
  judge(request: GuardRequest): GuardVerdict | Promise<GuardVerdict>;
  /** Reports that the pod is busy without requests, with a long job for example. */
  heartbeat(): void;
  /**
   * Replaces the accepted tokens; an empty list refuses every token. With a control plane, the answers to heartbeats do
   * this. Open connections stay open.
   * @throws VALIDATION for a malformed hash or time.
   */
  replaceHashes(hashes: readonly AcceptedHash[]): void;
  /** Stops the heartbeats and the dead man's switch. The guard still judges requests. */
  close(): Promise<void>;
}

/**
 * Makes the guard of this pod. Without a key the guard refuses every request except those for public paths, and logs that.
 *
 * @throws VALIDATION for a malformed option or environment variable.
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

/** Makes a guard from its core. */
function guardOf(core: GuardCore): Guard {
  const close = (): Promise<void> => core.close();
  return {
    fetch: (handler) => guardFetch(core, handler),
    hono: () => guardHono(core),
    express: () => (request, response, next) => {
      admitRequest(core, request, response, () => next());
    },
    node: guardNode(core),
    upgrade: (listener) => (request, socket, head) => {
      admitUpgrade(core, request, socket, () => listener(request, socket, head));
    },
    judge: (request) => core.judge(request),
    heartbeat: () => core.heartbeat(),
    replaceHashes: (hashes) => core.replaceHashes(parseHashes(hashes)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Makes a listener for both protocols: a request of `node:http2` has the form of one of `node:http`, as far as the guard reads it. */
function guardNode(core: GuardCore): Guard["node"] {
  const guarded = (listener: NodeListener): NodeListener => {
    return (request, response) => {
      admitRequest(core, request, response, () => listener(request, response));
    };
  };
  return guarded as Guard["node"];
}

function parseHashes(hashes: readonly AcceptedHash[]): readonly AcceptedHash[] {
  const allowed = "{ hash, expiresAt } with 64 lowercase hex digits and an ISO time or null";
  return parseFields(
    "The list of hashes",
    { hashes: field(z.array(acceptedHashSchema), allowed) },
    { hashes },
  ).hashes;
}
