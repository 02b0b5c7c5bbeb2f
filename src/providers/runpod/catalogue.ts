/** RunPod's catalogue of GPU and CPU types with price and stock, read at most once a minute. */

import type { CallContext } from "../../call-context.ts";
import type { Clock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import { within } from "../../internal/within.ts";
import type { RunpodApi } from "./api.ts";
import type { RunpodComputeOptions } from "./options.ts";
import type { WireCpuType, WireGpuType } from "./wire.ts";

/** The cloud that a pod runs in. */
export type Cloud = "SECURE" | "COMMUNITY";

/** The conditions under which the catalogue tells the availability of GPUs. */
export interface GpuQuestion extends Pick<RunpodComputeOptions, "minCudaVersion" | "allowedCudaVersions"> {
  readonly cloud: Cloud;
  readonly count: number;
}

/** The catalogue, through a cache. */
export interface Catalogue {
  /** Every GPU type, with its availability in the given cloud and count. */
  gpus(question: GpuQuestion, context: CallContext): Promise<readonly WireGpuType[]>;
  /** Every CPU flavor, with its availability for the given number of vCPUs. */
  cpus(vcpuCount: number, context: CallContext): Promise<readonly WireCpuType[]>;
}

const FRESH_MILLISECONDS = 60_000;

/** Makes the catalogue of one account. */
export function createCatalogue(api: RunpodApi, clock: Clock): Catalogue {
  return {
    gpus: cached(clock, ({ cloud, count, minCudaVersion, allowedCudaVersions }: GpuQuestion, context) => {
      const cudaVersions = allowedCudaVersions?.join(",");
      return api.gpuTypes({ cloud, count, minCudaVersion, cudaVersions }, context);
    }),
    cpus: cached(clock, (vcpuCount: number, context) => api.cpuTypes({ vcpuCount }, context)),
  };
}

interface Entry<Value> {
  readonly value: Promise<Value>;
  readonly until: number;
}

/**
 * Reads through a cache, so that a thousand spawns at once read the catalogue once. All callers share one read: a caller's signal ends
 * only that caller's wait. The cache forgets a read that fails.
 */
function cached<Question, Value>(
  clock: Clock,
  read: (question: Question, context: CallContext) => Promise<Value>,
): (question: Question, context: CallContext) => Promise<Value> {
  const entries = new Map<string, Entry<Value>>();
  return (question, { signal, requestTimeoutSeconds }) => {
    const now = clock.now().getTime();
    for (const [key, { until }] of entries) if (until <= now) entries.delete(key);
    const key = JSON.stringify(question);
    const known = entries.get(key)?.value;
    if (known !== undefined) return unlessAborted(known, clock, signal);
    const value = read(question, { signal: new AbortController().signal, requestTimeoutSeconds });
    const entry = { value, until: now + FRESH_MILLISECONDS };
    entries.set(key, entry);
    value.catch(() => entries.get(key) === entry && entries.delete(key));
    return unlessAborted(value, clock, signal);
  };
}

/** The value of a shared read. @throws TIMEOUT when the caller's signal aborts first. */
async function unlessAborted<Value>(
  value: Promise<Value>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Value> {
  try {
    return await within({ clock, signal, error: abortedReadError }, () => value);
  } catch (error) {
    throw signal.aborted ? abortedReadError() : error;
  }
}

function abortedReadError(): AtlasError {
  const message = "runpod: the caller gave up before the catalogue was read";
  return new AtlasError("TIMEOUT", message, { provider: "runpod" });
}
