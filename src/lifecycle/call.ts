/** The one way to call a provider: under a time limit, and with errors that are AtlasErrors and hold no secret. */
import type { CallContext } from "../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../errors.ts";
import { excerpt, redact, redactDeep, redactRecord } from "../internal/redact.ts";
import { traced } from "../internal/telemetry.ts";
import { within } from "../internal/within.ts";
import type { Provider } from "../provider.ts";
import type { Context } from "./context.ts";
import { admit } from "./looks/budget.ts";

/** One call of a provider. */
export interface ProviderCall {
  readonly provider: Provider;
  /** The name of the contract's method, for messages and telemetry. */
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  /** The time that the whole call may take. @default `timing.requestTimeoutSeconds` */
  readonly timeoutSeconds?: number | undefined;
  /** Texts that must not appear in an error. */
  readonly secrets?: readonly string[] | undefined;
  readonly computeId?: string | undefined;
}

/** A call before its operation is chosen. */
export type CallParts = Omit<ProviderCall, "operation">;

const REQUESTS_A_LIST = 10;

/** The time that a list may take, in seconds. It reads page after page, but must end, so that a reaper does not wait for ever. */
export function listTimeoutSeconds({ timing }: Context): number {
  return timing.requestTimeoutSeconds * REQUESTS_A_LIST;
}

/**
 * Calls a provider, as soon as its budget allows; the time limit begins then.
 * @throws AtlasError in place of every error of the adapter; TIMEOUT when the time is over or the caller's signal aborts.
 */
export function callProvider<Result>(
  context: Context,
  call: ProviderCall,
  run: (callContext: CallContext) => Promise<Result>,
): Promise<Result> {
  const labels = { "atlas.provider": call.provider.name, "atlas.method": call.operation };
  const ids = { "atlas.compute_id": call.computeId };
  return traced({ name: "provider", labels, ids }, async () => {
    await admit(context.clock, call.provider, call.operation, call.signal);
    return callInTime(context, call, run);
  });
}

async function callInTime<Result>(
  { clock, timing }: Context,
  call: ProviderCall,
  run: (callContext: CallContext) => Promise<Result>,
): Promise<Result> {
  const { requestTimeoutSeconds } = timing;
  const seconds = call.timeoutSeconds ?? requestTimeoutSeconds;
  const limit = { clock, seconds, signal: call.signal, error: () => timedOut(call, seconds) };
  try {
    return await within(limit, (signal) => run({ signal, requestTimeoutSeconds }));
  } catch (error) {
    throw toAtlasError(call, error);
  }
}

/** A copy of an error without these secrets: also in its details and its cause, whose texts may be the provider's. */
function withoutSecrets(error: AtlasError, secrets: readonly string[]): AtlasError {
  const { provider, status, retryable, retryAfterSeconds, computeId, providerId } = error;
  const { code, mayHaveCreated, requestId, candidates, details, cause } = error;
  return new AtlasError(code, redact(error.message, secrets), {
    ...{ provider, status, retryable, retryAfterSeconds, computeId, providerId },
    ...{ mayHaveCreated, requestId, candidates },
    details: details && redactRecord(details, secrets),
    cause: redactedCause(cause, secrets),
  });
}

/** An error keeps its stack where it holds no secret. */
function redactedCause(cause: unknown, secrets: readonly string[]): unknown {
  if (!(cause instanceof Error)) return redactDeep(cause, secrets);
  const text = `${cause.stack}`;
  const isClean = redact(text, secrets) === text && cause.cause === undefined;
  return isClean ? cause : new Error(redact(cause.message, secrets));
}

function timedOut({ provider, operation }: ProviderCall, seconds: number): AtlasError {
  return new AtlasError("TIMEOUT", `${provider.name} did not answer ${operation} in ${seconds} seconds`);
}

function toAtlasError(call: ProviderCall, error: unknown): AtlasError {
  const { provider, computeId, secrets = [] } = call;
  const facts = { provider: provider.name, computeId };
  if (call.signal?.aborted && error === call.signal.reason)
    return new AtlasError("TIMEOUT", `${call.operation} on ${provider.name} was aborted by the caller`, {
      ...facts,
      retryable: false,
    });
  if (isAtlasError(error)) return withoutSecrets(withFacts(error, facts), secrets);
  const text = excerpt(error instanceof Error ? error.message : String(error), secrets);
  return new AtlasError("PROVIDER", `${provider.name} failed in ${call.operation}: ${text}`, facts);
}
