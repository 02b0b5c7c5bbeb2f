/** The types of the control plane's JSON, for both ends of the wire: the server writes them, the browser reads them. */
import type { ComputeSnapshot } from "./compute-json.ts";
import type { Problem } from "./errors.ts";
import type { ComputeEvent } from "./store.ts";

export type { ComputeSnapshot } from "./compute-json.ts";

/** An event of a compute as the event stream carries it. */
export interface WireEvent extends Omit<ComputeEvent, "at"> {
  /** The time of the event, ISO 8601. */
  readonly at: string;
  /** The compute after the event; only on events that changed its status. */
  readonly compute?: ComputeSnapshot;
}

/** The answer of a route that hands out a token: the only place where a raw token travels. */
export interface WireToken {
  /** The raw token. */
  readonly token: string;
  /** SHA-256 of the token, lowercase hex. */
  readonly hash: string;
}

/** A refusal of the control plane: an RFC 9457 problem with a closed list of codes. */
export type WireProblem = Problem;
