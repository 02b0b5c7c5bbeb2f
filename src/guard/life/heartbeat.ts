/** The heartbeat from a pod's guard to the control plane. Both ends parse it with these schemas. */
import * as z from "zod/mini";
import { isTokenHash } from "../../internal/token-shape.ts";
import type { AcceptedHash } from "../verdict/state.ts";

/** The route below `ATLAS_CONTROL_URL` to which the guard posts a {@link Heartbeat}, with its `ATLAS_POD_TOKEN`. */
export const HEARTBEAT_ROUTE = "/pod/heartbeat";

/** The shortest time between two heartbeats of a guard. Without signs of life a guard sends none. */
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

/**
 * The control plane's answer to a heartbeat. `hashes` replaces the whole list of accepted tokens (an empty list revokes
 * all), `deadline` moves the pod's deadline, and null removes it. An absent field changes nothing.
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
