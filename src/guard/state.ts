import type { AllowedOrigins } from "./cors.ts";

/** The hash of an accepted token, and until when it is accepted, in milliseconds since 1970. */
export interface LiveHash {
  readonly hash: string;
  readonly expiresAt: number | null;
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
