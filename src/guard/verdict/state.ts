import type { AcceptedHash } from "../life/heartbeat.ts";
import type { AllowedOrigins } from "./cors.ts";

/** The hash of an accepted token as bytes, and until when it is accepted, in milliseconds since 1970. */
export interface LiveHash {
  readonly hash: Buffer;
  readonly expiresAt: number | null;
}

/** Makes ready for every request what is said once: 64 hex digits, and an ISO time. */
export function toLiveHash({ hash, expiresAt }: AcceptedHash): LiveHash {
  return { hash: Buffer.from(hash, "hex"), expiresAt: expiresAt === null ? null : Date.parse(expiresAt) };
}

/** Everything a verdict depends on beside the request. */
export interface GuardState {
  readonly hashes: readonly LiveHash[];
  readonly signingSecrets: readonly string[];
  readonly origins: AllowedOrigins;
  readonly publicPaths: readonly string[];
  readonly computeId: string | null;
  readonly isReady: () => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}
