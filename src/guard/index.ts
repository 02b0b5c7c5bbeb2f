/**
 * The check inside the pod: bearer tokens, signed URLs and browsers' WebSockets, CORS, a readiness path, and
 * the signs of life by which a control plane knows that somebody pays attention. In front of a server of
 * this process; `npx atlas-compute guard` is the same in front of any other.
 *
 * @module
 */

export { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
export { createGuard, type ExpressMiddleware, type Guard } from "./guard.ts";
export type { AcceptedHash, SignKind } from "./life/heartbeat.ts";
export type { DeadManOptions, GuardOptions } from "./options.ts";
export type { FetchHandler } from "./servers/fetch.ts";
export type { NodeListener, UpgradeListener } from "./servers/node.ts";
export type {
  Answer,
  Credential,
  GuardHeader,
  GuardRequest,
  HeaderMap,
  Pass,
  RefusalReason,
  Verdict,
} from "./verdict/request.ts";
