/** The heartbeat between a pod's guard and the control plane: both ends parse with what stands here. */
import * as z from "zod/mini";

/** Appended to `ATLAS_CONTROL_URL`. The guard posts a {@link Heartbeat} there, with its `ATLAS_POD_TOKEN`. */
export const HEARTBEAT_ROUTE = "/pod/heartbeat";

/** Path of a guarded pod to which an explicit heartbeat is posted, with the pod's credential. */
export const HEARTBEAT_PATH = "/.well-known/atlas/heartbeat";

/** A guard sends at most one heartbeat in so many seconds, and none without signs of life. */
export const HEARTBEAT_SECONDS = 60;

/** What counts as a sign of life: a request, bytes on an open socket, an explicit heartbeat. */
export const SIGN_KINDS: readonly ["requests", "sockets", "heartbeats"] = [
  "requests",
  "sockets",
  "heartbeats",
];

/** A kind of sign of life: requests, bytes on open sockets, or explicit heartbeats. */
export type SignKind = "requests" | "sockets" | "heartbeats";

const isoTime = z.iso.datetime({ offset: true });

/** What the guard sends: the kinds of signs seen since the last heartbeat, at least one. @internal */
export const heartbeatSchema: z.ZodMiniType<Heartbeat> = z.object({
  signs: z.array(z.enum(SIGN_KINDS)).check(z.minLength(1), z.maxLength(SIGN_KINDS.length)),
});

/** Body of a heartbeat. */
export interface Heartbeat {
  readonly signs: readonly SignKind[];
}

/** The hash of a token that the pod accepts, and until when: an ISO time, or null for as long as it lives. */
export interface AcceptedHash {
  readonly hash: string;
  readonly expiresAt: string | null;
}

/** The schema of one {@link AcceptedHash}. @internal */
export const acceptedHashSchema: z.ZodMiniType<AcceptedHash> = z.object({
  hash: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  expiresAt: z.nullable(isoTime),
});

/**
 * What the control plane answers. What is left out stays as it was: `hashes` replaces the whole list of
 * accepted tokens (an empty list revokes all), `deadline` moves the pod's deadline, null takes it away.
 */
export interface HeartbeatAnswer {
  readonly hashes?: readonly AcceptedHash[] | undefined;
  readonly deadline?: string | null | undefined;
}

/** The schema of a {@link HeartbeatAnswer}. @internal */
export const heartbeatAnswerSchema: z.ZodMiniType<HeartbeatAnswer> = z.object({
  hashes: z.optional(z.array(acceptedHashSchema).check(z.maxLength(100))),
  deadline: z.optional(z.nullable(isoTime)),
});
