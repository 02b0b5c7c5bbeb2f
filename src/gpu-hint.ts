/** Hints at misspelt GPU names, in the error of a spawn that found no place. */
import { type AtlasErrorCode, isAtlasError, withFacts } from "./errors.ts";
import { gpuHint } from "./gpus.ts";
import type { SpawnRequest } from "./request.ts";

/** The refusals that a GPU name can cause. */
const CAUSED_BY_NAME: ReadonlySet<AtlasErrorCode> = new Set([
  "CAPACITY",
  "NOT_FOUND",
  "UNSUPPORTED",
  "VALIDATION",
]);

/** Waits for a spawn. Its error gets a hint where the request has a GPU name that may be misspelt. */
export async function hinted<Result>(spawned: Promise<Result>, gpu: SpawnRequest["gpu"]): Promise<Result> {
  try {
    return await spawned;
  } catch (error) {
    throw withGpuHint(error, gpu);
  }
}

function withGpuHint(error: unknown, gpu: SpawnRequest["gpu"]): unknown {
  if (!isAtlasError(error) || !CAUSED_BY_NAME.has(error.code)) return error;
  const hint = gpuHint([gpu].flat().filter((name) => typeof name === "string"));
  return hint === undefined ? error : withFacts(error, {}, `${error.message} (gpu: ${hint})`);
}
