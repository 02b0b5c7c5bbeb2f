/** The heartbeat from a pod's guard to the control plane, and its answer. */
import * as z from "zod/mini";
import { isTokenHash } from "../../internal/token-shape.ts";
import type { AcceptedHash } from "../verdict/state.ts";

/** The route below `ATLAS_CONTROL_URL` to which the guard posts a {@link Heartbeat}, with its `ATLAS_POD_TOKEN`. */
export const HEARTBEAT_ROUTE = "/pod/heartbeat";

/** The shortest time between two heartbeats with signs of life of a guard. */
export const HEARTBEAT_SECONDS = 60;

/** The kinds of signs of life: a request, bytes on an open socket, an explicit heartbeat. */
export const SIGN_KINDS: readonly ["requests", "sockets", "heartbeats"] = [
  "requests",
  "sockets",
  "heartbeats",
];

/** A kind of sign of life: requests, bytes on open sockets, or explicit heartbeats. */
export type SignKind = "requests" | "sockets" | "heartbeats";

const isoTime = z.iso.datetime({ offset: true });
const wholeNumber = z.int().check(z.minimum(0));

/** The schema of a {@link Heartbeat}. @internal */
export const heartbeatSchema: z.ZodMiniType<Heartbeat> = z.object({
  signs: z.array(z.enum(SIGN_KINDS)).check(z.maxLength(SIGN_KINDS.length)),
});

/** The body of a heartbeat. */
export interface Heartbeat {
  /** The kinds of signs since the last heartbeat. Without any it is a question, which is no sign of life. */
  readonly signs: readonly SignKind[];
}

/** The schema of a token's hash: SHA-256 in lowercase hex. @internal */
export const hashSchema: z.ZodMiniString = z.string().check(z.refine(isTokenHash));

/** The schema of one {@link AcceptedHash}. @internal */
export const acceptedHashSchema: z.ZodMiniType<AcceptedHash> = z.object({
  hash: hashSchema,
  expiresAt: z.nullable(isoTime),
});

/** The planned end of a pod. */
export interface Ending {
  /** An ISO time. */
  readonly at: string;
  /** The reason, such as `idle` or `max_lifetime`. */
  readonly reason: string;
}

/** The control plane's answer to a heartbeat. Times are ISO texts. */
export interface HeartbeatAnswer {
  /** The id of the compute that the pod's credential names. */
  readonly computeId: string;
  /** Rises with every change of the compute. */
  readonly revision: number;
  /** The whole list of accepted tokens. An empty list accepts none. */
  readonly hashes: readonly AcceptedHash[];
  /** The generation of the signing secret. */
  readonly generation: number;
  /** The pod's deadline; null for none. */
  readonly deadline: string | null;
  /** The planned end, once its warning is due. */
  readonly ending?: Ending | undefined;
  /** The control plane's time. */
  readonly now: string;
}

/** The schema of a {@link HeartbeatAnswer}. @internal */
export const heartbeatAnswerSchema: z.ZodMiniType<HeartbeatAnswer> = z.object({
  computeId: z.string(),
  revision: wholeNumber,
  hashes: z.array(acceptedHashSchema).check(z.maxLength(100)),
  generation: wholeNumber,
  deadline: z.nullable(isoTime),
  ending: z.optional(z.object({ at: isoTime, reason: z.string() })),
  now: isoTime,
});
