/** The second argument of every call to a provider. */
export interface CallContext {
  /** Aborts when the caller gave up or the call's time is over. Pass it on to every request. */
  readonly signal: AbortSignal;
  /** The time one HTTP request may take, in seconds. */
  readonly requestTimeoutSeconds: number;
  /** Tells the caller of a spawn how a long create proceeds, in a sentence without secrets. Absent where there is no listener. */
  readonly report?: (message: string) => void;
}
