import type { AllowedOrigins } from "./cors.ts";

/** The hash of an accepted token, and the end of its validity: an ISO time, or null for the whole life of the pod. */
export interface AcceptedHash {
  readonly hash: string;
  readonly expiresAt: string | null;
}

/** An accepted hash as bytes, and the end of its validity in milliseconds since 1970. */
export interface LiveHash {
  readonly hash: Buffer;
  readonly expiresAt: number | null;
}

/** Decodes a hash and its time once, so that no request has to. */
export function toLiveHash({ hash, expiresAt }: AcceptedHash): LiveHash {
  return { hash: Buffer.from(hash, "hex"), expiresAt: expiresAt === null ? null : Date.parse(expiresAt) };
}

/** A kind of credential that a pod can be told to accept. `signed-url` includes prefix-signed URLs. */
export type GuardScheme = "bearer" | "signed-url" | "cookie";

/**
 * The state of the guard's knowledge: `alone` without a control plane, `starting` before its first answer, `settled` after it, and `rejected`
 * when the control plane no longer knows the pod.
 */
export type Standing = "alone" | "starting" | "settled" | "rejected";

/** Everything that a verdict depends on beside the request. */
export interface GuardState {
  readonly hashes: readonly LiveHash[];
  /** The signing secrets of the present generation. */
  readonly signingSecrets: readonly string[];
  /** A scheme that is not named is not accepted. */
  readonly schemes: ReadonlySet<GuardScheme>;
  /** The methods that signed URLs open, in upper case; `WEBSOCKET` stands for an upgrade. */
  readonly signedMethods: ReadonlySet<string>;
  readonly standing: Standing;
  readonly origins: AllowedOrigins;
  readonly publicPaths: readonly string[];
  readonly computeId: string | null;
  readonly isReady: () => boolean;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
}
