/** The one way to call a provider: with a deadline, and with errors that are ours, sorted and free of secrets. */

import type { CallContext } from "../call-context.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError, withFacts } from "../errors.ts";
import { aborted, abortWith } from "../internal/abort.ts";
import { pause } from "../internal/pause.ts";
import { excerpt, redact } from "../internal/redact.ts";
import { traced } from "../internal/telemetry.ts";
import type { Provider } from "../provider.ts";
import type { Context } from "./context.ts";

/** One call. */
export interface Call {
  readonly provider: Provider;
  /** The name of the contract's method, for messages and telemetry. */
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  /** The time the whole call may take; none for one that follows what goes on. */
  readonly timeoutSeconds?: number;
  /** Texts that must not appear in an error. */
  readonly secrets?: readonly string[];
  readonly computeId?: string;
}

/** Codes that say nothing about whether a create took effect. */
const AMBIGUOUS: ReadonlySet<AtlasErrorCode> = new Set(["TIMEOUT", "TRANSPORT", "PROVIDER", "UNAVAILABLE"]);

/** Codes after which the next candidate is tried. */
const CLEAN_REFUSALS: ReadonlySet<AtlasErrorCode> = new Set(["CAPACITY", "QUOTA", "FORBIDDEN"]);

/** Whether an instance may exist although the create failed. */
export function mayHaveCreated(error: AtlasError): boolean {
  return error.mayHaveCreated ?? AMBIGUOUS.has(error.code);
}

/** Whether the provider refused this candidate, and another one may be tried. */
export function isCleanRefusal(error: AtlasError): boolean {
  return !mayHaveCreated(error) && CLEAN_REFUSALS.has(error.code);
}

const REQUESTS_A_LIST = 10;

/** The time that a list may take: it reads page after page, but must end, or a reaper would wait for ever. */
export function listTimeoutSeconds({ timing }: Context): number {
  return timing.requestTimeoutSeconds * REQUESTS_A_LIST;
}

/**
 * Calls a provider.
 * @throws AtlasError always, whatever the adapter threw; TIMEOUT when the time is over, the signal's reason when it aborted.
 */
export function callProvider<Result>(
  context: Context,
  call: Call,
  run: (callContext: CallContext) => Promise<Result>,
): Promise<Result> {
  const labels = { "atlas.provider": call.provider.name, "atlas.method": call.operation };
  const ids = { "atlas.compute_id": call.computeId };
  return traced({ name: "provider", labels, ids }, () => callInTime(context, call, run));
}

/** Nobody sees it. Without a reason an abort makes an error, with its stack, at every call. */
const ANSWERED = "answered";

async function callInTime<Result>(
  context: Context,
  call: Call,
  run: (callContext: CallContext) => Promise<Result>,
): Promise<Result> {
  const over = new AbortController();
  const { signal } = over;
  const release = abortWith(over, call.signal);
  const answered = new AbortController();
  if (call.timeoutSeconds !== undefined) void expire(context, call, over, answered.signal);
  try {
    signal.throwIfAborted();
    const { requestTimeoutSeconds } = context.timing;
    return await Promise.race([run({ signal, requestTimeoutSeconds }), aborted(signal)]);
  } catch (error) {
    throw toAtlasError(call, signal.aborted ? signal.reason : error);
  } finally {
    release();
    answered.abort(ANSWERED);
  }
}

async function expire(
  { clock }: Context,
  call: Call,
  over: AbortController,
  answered: AbortSignal,
): Promise<void> {
  await pause(clock, call.timeoutSeconds ?? 0, answered);
  if (!answered.aborted) over.abort(timedOut(call));
}

function timedOut({ provider, operation, timeoutSeconds }: Call): AtlasError {
  return new AtlasError(
    "TIMEOUT",
    `${provider.name} did not answer ${operation} in ${timeoutSeconds} seconds`,
  );
}

function toAtlasError(call: Call, error: unknown): AtlasError {
  const { provider, computeId, secrets = [] } = call;
  const facts = { provider: provider.name, computeId };
  if (call.signal?.aborted && error === call.signal.reason)
    return new AtlasError("TIMEOUT", `${call.operation} on ${provider.name} was aborted by the caller`, {
      ...facts,
      retryable: false,
    });
  if (isAtlasError(error)) return withFacts(error, facts, redact(error.message, secrets));
  const text = excerpt(error instanceof Error ? error.message : String(error), secrets);
  return new AtlasError("PROVIDER", `${provider.name} failed in ${call.operation}: ${text}`, facts);
}
