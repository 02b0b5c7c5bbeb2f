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

/** Everything that a verdict depends on beside the request. */
export interface GuardState {
  readonly hashes: readonly LiveHash[];
  readonly signingSecrets: readonly string[];
  readonly origins: AllowedOrigins;
  readonly publicPaths: readonly string[];
  readonly computeId: string | null;
  readonly isReady: () => boolean;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
}
