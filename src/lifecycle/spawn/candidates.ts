/** Where a request could go: every provider's candidates, in order of preference, within the price that is allowed. */
import { AtlasError, type AtlasErrorCode, type CandidateRefusal, isAtlasError } from "../../errors.ts";
import { describe, invalid } from "../../internal/parse.ts";
import type { Candidate, PlacementRequest, Provider } from "../../provider.ts";
import type { ParsedRequest } from "../../request.ts";
import { callProvider, isCleanRefusal } from "../call.ts";
import type { Context } from "../context.ts";

/** A candidate with the provider that offers it, and the request as that provider gets it. */
export interface Placement {
  readonly provider: Provider;
  readonly candidate: Candidate;
  readonly request: PlacementRequest;
}

/** The placements to try, and the ones that are out already. */
export interface Placements {
  readonly placements: readonly Placement[];
  readonly refusals: readonly CandidateRefusal[];
}

/**
 * Collects the candidates of all providers. Nothing is created.
 * @throws VALIDATION when an option of a provider, or the request, is not valid for it.
 * @throws UNSUPPORTED, CAPACITY when nobody can place it, with every refusal.
 */
export async function collectPlacements(
  context: Context,
  request: ParsedRequest,
  signal: AbortSignal | undefined,
): Promise<Placements> {
  const requests = providerRequests(context, request);
  const refusals: CandidateRefusal[] = [];
  const placements: Placement[] = [];
  for (const [provider, own] of requests) {
    const offered = await offers(context, provider, own, signal);
    if (isAtlasError(offered)) refusals.push(toRefusal(provider, {}, offered));
    else placements.push(...offered.map((candidate) => ({ provider, candidate, request: own })));
  }
  const affordable = placements.filter((placement) => {
    const refusal = priceRefusal(context, request, placement);
    if (refusal !== undefined) refusals.push(refusal);
    return refusal === undefined;
  });
  if (affordable.length === 0) throw nowhere(refusals);
  return { placements: affordable, refusals };
}

function providerRequests(context: Context, parsed: ParsedRequest): readonly [Provider, PlacementRequest][] {
  const {
    providerOptions,
    auth,
    env,
    userId,
    idempotencyKey,
    idleTimeoutSeconds,
    maxLifetimeSeconds,
    ...request
  } = parsed;
  const names = context.providers.map(({ name }) => name);
  const unknown = Object.keys(providerOptions).filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw invalid(
      "The request",
      unknown.map((name) => ({
        field: "providerOptions",
        received: describe(name),
        allowed: names.join(", "),
      })),
    );
  return context.providers.map((provider) => [
    provider,
    { ...request, options: ownOptions(provider, providerOptions) },
  ]);
}

function ownOptions(provider: Provider, providerOptions: Readonly<Record<string, unknown>>): unknown {
  const options = providerOptions[provider.name];
  if (options === undefined) return undefined;
  if (provider.parseOptions !== undefined) return provider.parseOptions(options);
  throw invalid("The request", [
    {
      field: `providerOptions.${provider.name}`,
      received: describe(options),
      allowed: "nothing: it has no options",
    },
  ]);
}

async function offers(
  context: Context,
  provider: Provider,
  request: PlacementRequest,
  signal: AbortSignal | undefined,
): Promise<readonly Candidate[] | AtlasError> {
  const timeoutSeconds = context.timing.createTimeoutSeconds;
  const call = { provider, operation: "candidates", signal, timeoutSeconds };
  try {
    const candidates = await callProvider(context, call, (callContext) =>
      provider.candidates(request, callContext),
    );
    if (candidates.length > 0) return candidates;
    return new AtlasError("CAPACITY", `${provider.name} offers nothing that fits the request now`);
  } catch (error) {
    if (isAtlasError(error) && (error.code === "UNSUPPORTED" || isCleanRefusal(error))) return error;
    throw error;
  }
}

/** A refusal as it is listed in the error that ends a walk. */
export function toRefusal(
  provider: Provider,
  { gpu, region }: Candidate,
  error: AtlasError,
): CandidateRefusal {
  return {
    provider: provider.name,
    ...(gpu === undefined ? {} : { gpu }),
    ...(region === undefined ? {} : { region }),
    code: error.code,
    reason: error.message,
  };
}

function priceRefusal(
  { limits }: Context,
  request: ParsedRequest,
  { provider, candidate }: Placement,
): CandidateRefusal | undefined {
  const { costPerHour } = candidate;
  const { maxCostPerHour } = request;
  const capped = [
    maxCostPerHour,
    limits.costPerHour,
    request.userId === null ? undefined : limits.costPerHourPerUser,
  ];
  if (capped.every((cap) => cap === undefined)) return undefined;
  if (costPerHour === undefined)
    return toRefusal(
      provider,
      candidate,
      new AtlasError("CAPACITY", "its price is not known, and a limit on cost is set"),
    );
  if (maxCostPerHour === undefined || costPerHour <= maxCostPerHour) return undefined;
  const reason = `it costs ${costPerHour} dollars an hour, maxCostPerHour is ${maxCostPerHour}`;
  return toRefusal(provider, candidate, new AtlasError("CAPACITY", reason));
}

/** Codes that say more than CAPACITY when every refusal has them. */
const UNANIMOUS: ReadonlySet<AtlasErrorCode> = new Set(["UNSUPPORTED", "QUOTA"]);

/** The error of a walk that found no place: CAPACITY, or what every refusal says alike. */
export function nowhere(refusals: readonly CandidateRefusal[]): AtlasError {
  const codes = new Set(refusals.map(({ code }) => code));
  const only = [...UNANIMOUS].find((code) => codes.size === 1 && codes.has(code));
  const list = refusals.map(
    ({ provider, gpu, region, reason }) => `${[provider, gpu, region].filter(Boolean).join(" ")}: ${reason}`,
  );
  const message = `no provider could place the request: ${list.join("; ")}`;
  return new AtlasError(only ?? "CAPACITY", message, { candidates: refusals });
}
