/**
 * The check inside the pod: bearer tokens, signed URLs and browsers' WebSockets, CORS, a readiness path, and the signs of
 * life that tell a control plane that the pod is in use. It protects a server of this process; `npx atlas-compute guard`
 * protects any other server.
 *
 * @module
 */

export { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
export { createGuard, type ExpressMiddleware, type Guard } from "./guard.ts";
export type { Ending, SignKind } from "./life/heartbeat.ts";
export type { DeadManOptions, GuardOptions } from "./options.ts";
export type { FetchHandler } from "./servers/fetch.ts";
export type { Http2Listener } from "./servers/http2.ts";
export type { NodeListener, UpgradeListener } from "./servers/node.ts";
export { type AnswerEdits, type EditedHeader, editAnswer } from "./verdict/answer-edits.ts";
export type {
  GuardAnswer,
  GuardCredential,
  GuardHeader,
  GuardPass,
  GuardRequest,
  GuardVerdict,
  HeaderEdits,
  HeaderMap,
  OpenedFolder,
  RefusalReason,
} from "./verdict/request.ts";
export type { AcceptedHash, GuardScheme } from "./verdict/state.ts";
