/** Refused candidates, and the error of a request that no candidate took. Pure. */
import { AtlasError, type AtlasErrorCode, type CandidateRefusal } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { Candidate, Provider } from "../../provider.ts";

/** The entry of a candidate in the error that ends a spawn. A provider without a candidate passes `{}`. */
export function refusalOf(
  { name: provider }: Provider,
  { gpu, region }: Candidate,
  { code, message: reason }: { readonly code: AtlasErrorCode; readonly message: string },
): CandidateRefusal {
  return defined({ provider, gpu, region, code, reason });
}

/** Codes of refusals that a later try meets again, the one that calls for action first. */
const LASTING: readonly AtlasErrorCode[] = ["FORBIDDEN", "QUOTA", "UNSUPPORTED"];

/**
 * The error of a spawn that found no place: CAPACITY where any candidate lacked capacity, else the most telling code of the refusals;
 * UNSUPPORTED without any provider.
 */
export function noPlacementError(refusals: readonly CandidateRefusal[]): AtlasError {
  if (refusals.length === 0)
    return new AtlasError("UNSUPPORTED", "this client has no providers: add one to createAtlas");
  const codes = new Set(refusals.map(({ code }) => code));
  const lasting = codes.has("CAPACITY") ? undefined : LASTING.find((code) => codes.has(code));
  const list = refusals.map(
    ({ provider, gpu, region, reason }) => `${[provider, gpu, region].filter(Boolean).join(" ")}: ${reason}`,
  );
  const message = `no provider could place the request: ${list.join("; ")}. Try again later, or allow other GPUs, regions or providers`;
  return new AtlasError(lasting ?? "CAPACITY", message, { candidates: refusals });
}
