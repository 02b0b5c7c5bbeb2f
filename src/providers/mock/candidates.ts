/** The candidates of a request at a mock, and its GPU types. */
import { AtlasError } from "../../errors.ts";
import { ANY_GPU, expandGpu } from "../../gpus.ts";
import type { Candidate, GpuType, PlacementRequest } from "../../provider.ts";
import type { MockSettings, OfferedGpu } from "./options.ts";

interface Offer {
  readonly regions: readonly string[];
  readonly candidate: Candidate;
}

/** Finds the candidates, in the caller's order of preference. @throws UNSUPPORTED when no offer fits. */
export function findCandidates(settings: MockSettings, request: PlacementRequest): readonly Candidate[] {
  const candidates = offersFor(settings, request).flatMap((offer) => places(offer, request.regions));
  if (candidates.length > 0) return candidates;
  const { name: provider, regions } = settings;
  const message = `${provider} has this in no region of ${request.regions.join(", ")}; its regions: ${regions.join(", ")}.`;
  throw new AtlasError("UNSUPPORTED", message, { provider });
}

/** The GPU type of a candidate; `undefined` for a CPU machine. */
export function offeredFor(settings: MockSettings, { placement }: Candidate): OfferedGpu | undefined {
  return settings.gpus.find(({ id }) => id === placement);
}

/** The GPU types that the mock offers, for `listGpuTypes`. */
export function listGpuTypes({ name: provider, gpus }: MockSettings): readonly GpuType[] {
  return gpus.map((gpu) => ({ ...gpu, provider }));
}

function offersFor(settings: MockSettings, { gpus, gpuCount }: PlacementRequest): readonly Offer[] {
  const { regions, cpuCostPerHour } = settings;
  if (gpus.length === 0) return [{ regions, candidate: { costPerHour: cpuCostPerHour } }];
  return wantedGpus(settings, gpus).map(({ id, name = id, costPerHour, regions }) => ({
    regions,
    candidate: { gpu: name, costPerHour: costPerHour * gpuCount, placement: id },
  }));
}

function places({ regions, candidate }: Offer, wanted: readonly string[]): readonly Candidate[] {
  if (wanted.length === 0) return [candidate];
  return wanted.filter((region) => regions.includes(region)).map((region) => ({ ...candidate, region }));
}

function wantedGpus(settings: MockSettings, preferences: readonly string[]): readonly OfferedGpu[] {
  const { name: provider, gpus } = settings;
  const byPrice = gpus.toSorted((one, other) => one.costPerHour - other.costPerHour);
  const found = preferences
    .flatMap(expandGpu)
    .flatMap((preference) => byPrice.filter(({ id, name }) => [id, name, ANY_GPU].includes(preference)));
  if (found.length > 0) return [...new Set(found)];
  const message = `${provider} has no ${preferences.join(" or ")}; it has: ${gpus.map(({ id }) => id).join(", ")}.`;
  throw new AtlasError("UNSUPPORTED", message, { provider });
}
