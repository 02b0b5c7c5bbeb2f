/** The candidates of a request: those of every provider, in order of preference, within the price that is allowed. */
import { type AtlasError, type CandidateRefusal, isAtlasError, withFacts } from "../../errors.ts";
import { describe, invalid } from "../../internal/parse.ts";
import type { Candidate, PlacementRequest, Provider } from "../../provider.ts";
import type { ParsedRequest } from "../../request.ts";
import { withoutTimes } from "../../request-times.ts";
import { callProvider } from "../call.ts";
import type { Context } from "../context.ts";
import { isCleanRefusal, isPassing } from "../failures.ts";
import { namesOf } from "../providers.ts";
import { refusalOf } from "./refusals.ts";

/** A candidate with its provider, and the request as that provider gets it. */
export interface Placement {
  readonly provider: Provider;
  readonly candidate: Candidate;
  readonly request: PlacementRequest;
}

/** The placements to try, and the refusals so far. */
export interface Placements {
  readonly placements: readonly Placement[];
  readonly refusals: readonly CandidateRefusal[];
}

/**
 * Collects the candidates of all providers. Creates nothing. There may be none: then the refusals tell the reason of each provider.
 * @throws VALIDATION when an option of a provider, or the request, is not valid for it.
 */
export async function collectPlacements(
  context: Context,
  request: ParsedRequest,
  signal: AbortSignal | undefined,
): Promise<Placements> {
  const offers: Offer[] = [];
  for (const [provider, own] of providerRequests(context, request))
    offers.push(await offersOf(context, provider, own, signal));
  const outage = offers.find((offer) => offer.outage !== undefined)?.outage;
  if (outage !== undefined && offers.every(({ placements }) => placements.length === 0))
    throw withFacts(outage, { candidates: offers.flatMap(({ refusals }) => refusals) });
  const priced = offers
    .flatMap(({ placements }) => placements)
    .map((placement) => ({ placement, refusal: priceRefusal(context, request, placement) }));
  return {
    placements: priced.flatMap(({ placement, refusal }) => (refusal === undefined ? [placement] : [])),
    refusals: [
      ...offers.flatMap(({ refusals }) => refusals),
      ...priced.flatMap(({ refusal }) => refusal ?? []),
    ],
  };
}

function providerRequests(
  { providers }: Context,
  parsed: ParsedRequest,
): readonly [Provider, PlacementRequest][] {
  const { providerOptions, auth, env, idempotencyKey, ...wanted } = parsed;
  const request = withoutTimes(wanted);
  refuseUnknownProviders(providers, Object.keys(providerOptions));
  return providers.map((provider) => [
    provider,
    { ...request, options: ownOptions(provider, providerOptions) },
  ]);
}

function refuseUnknownProviders(providers: readonly Provider[], names: readonly string[]): void {
  const unknown = names.filter((name) => !providers.some((provider) => provider.name === name));
  if (unknown.length === 0) return;
  throw invalid(
    "The request",
    unknown.map((name) => ({
      field: "providerOptions",
      received: describe(name),
      allowed: namesOf(providers),
    })),
  );
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

/** The placements of one provider. */
interface Offer extends Placements {
  /** The failure of its catalogue. Nothing was created, so the other providers are tried. */
  readonly outage?: AtlasError;
}

/** The placements that one provider offers, or its refusal. */
async function offersOf(
  context: Context,
  provider: Provider,
  request: PlacementRequest,
  signal: AbortSignal | undefined,
): Promise<Offer> {
  const timeoutSeconds = context.timing.createTimeoutSeconds;
  const call = { provider, operation: "candidates", signal, timeoutSeconds };
  try {
    const candidates = await callProvider(context, call, (callContext) =>
      provider.candidates(request, callContext),
    );
    const message = `${provider.name} offers nothing that fits the request now`;
    return {
      placements: candidates.map((candidate) => ({ provider, candidate, request })),
      refusals: candidates.length > 0 ? [] : [refusalOf(provider, {}, { code: "CAPACITY", message })],
    };
  } catch (error) {
    if (!isAtlasError(error) || signal?.aborted) throw error;
    const isClean = error.code === "UNSUPPORTED" || isCleanRefusal(error);
    if (!isClean && !isPassing(error)) throw error;
    const refusals = [refusalOf(provider, {}, error)];
    return isClean ? { placements: [], refusals } : { placements: [], refusals, outage: error };
  }
}

function priceRefusal(
  { limits }: Context,
  { maxCostPerHour, userId }: ParsedRequest,
  { provider, candidate }: Placement,
): CandidateRefusal | undefined {
  const { costPerHour } = candidate;
  const perUser = userId === null ? undefined : limits.costPerHourPerUser;
  const caps = [maxCostPerHour, limits.costPerHour, perUser];
  if (caps.every((cap) => cap === undefined)) return undefined;
  if (costPerHour !== undefined && (maxCostPerHour === undefined || costPerHour <= maxCostPerHour))
    return undefined;
  const message =
    costPerHour === undefined
      ? "its price is not known, and a limit on cost is set"
      : `it costs ${costPerHour} dollars an hour, maxCostPerHour is ${maxCostPerHour}`;
  return refusalOf(provider, candidate, { code: "CAPACITY", message });
}
