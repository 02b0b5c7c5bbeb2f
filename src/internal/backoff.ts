/** The pauses between tries: each twice as long as the one before, up to a maximum. */
export interface Backoff {
  readonly firstSeconds: number;
  readonly maxSeconds: number;
  /** The share of a pause, 0 to 1, that chance may cut off, so that many callers do not try at the same moment. @default 0 */
  readonly jitter?: number;
}

/** The pause after this many tries failed before, in seconds: the first pause follows 0. */
export function backoffSeconds({ firstSeconds, maxSeconds, jitter = 0 }: Backoff, failures: number): number {
  return Math.min(firstSeconds * 2 ** failures, maxSeconds) * (1 - Math.random() * jitter);
}
