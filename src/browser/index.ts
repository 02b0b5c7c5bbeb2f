/**
 * The browser's side: a page opens the user's compute, shows its progress, and talks to its pod with the token. No dependency, no Node.
 *
 * @module
 */

export type { ComputeSnapshot } from "../compute-json.ts";
export type { WireEvent, WireProblem, WireToken } from "../wire.ts";
export {
  type ComputeClient,
  type ComputeClientOptions,
  createComputeClient,
  type OpeningSession,
  type OpenOptions,
} from "./client.ts";
export { EMPTY_SNAPSHOT, type SessionSnapshot } from "./core.ts";
export type { SessionPhase } from "./phases.ts";
export type { PortChoice } from "./pod.ts";
export { type ComputeClientHeaders, ComputeError, type ComputeErrorFacts } from "./request.ts";
export type { ComputeSession, SignChoice } from "./session.ts";
export type { TokenStorage } from "./tokens.ts";
