/** RunPod's catalogue of GPU and CPU types with price and stock, read at most once a minute. */

import type { CallContext } from "../../call-context.ts";
import type { Clock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import type { HttpClient } from "../../internal/http.ts";
import type { RunpodComputeOptions } from "./options.ts";
import { cpuCatalogueSchema, gpuCatalogueSchema, type WireCpuType, type WireGpuType } from "./wire.ts";

/** Which cloud a pod runs in. */
export type Cloud = "SECURE" | "COMMUNITY";

/** What availability is asked for. */
export interface GpuQuestion extends Pick<RunpodComputeOptions, "minCudaVersion" | "allowedCudaVersions"> {
  readonly cloud: Cloud;
  readonly count: number;
}

/** The catalogue. */
export interface Catalogue {
  /** Every GPU type; its availability is that of the cloud and count asked for. */
  gpus(question: GpuQuestion, context: CallContext): Promise<readonly WireGpuType[]>;
  /** Every CPU flavor; its availability is that for so many vCPUs. */
  cpus(vcpuCount: number, context: CallContext): Promise<readonly WireCpuType[]>;
}

const FRESH_MILLISECONDS = 60_000;

/** A catalogue read through this client. */
export function createCatalogue(http: HttpClient, clock: Clock): Catalogue {
  const gpus = cached(clock, async (question: GpuQuestion, context) => {
    const { cloud, count, minCudaVersion, allowedCudaVersions } = question;
    const query = {
      ...{ include: "AVAILABILITY", product: "POD", cloud, count, minCudaVersion },
      cudaVersions: allowedCudaVersions?.join(","),
    };
    const request = { method: "GET", path: "/catalog/gpus", query, idempotent: true } as const;
    return (await http.read(request, gpuCatalogueSchema, context)).gpus;
  });
  const cpus = cached(clock, async (vcpuCount: number, context) => {
    const query = { include: "AVAILABILITY", product: "POD", vcpuCount };
    const request = { method: "GET", path: "/catalog/cpus", query, idempotent: true } as const;
    return (await http.read(request, cpuCatalogueSchema, context)).cpus;
  });
  return { gpus, cpus };
}

interface Entry<Value> {
  readonly value: Promise<Value>;
  readonly until: number;
}

/**
 * Reads through a cache, so that a thousand spawns at once read the catalogue once. A reading is nobody's own: no caller's signal
 * ends it, each only stops waiting for it. One that fails is forgotten.
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
    if (known !== undefined) return untilAborted(known, signal);
    const value = read(question, { signal: new AbortController().signal, requestTimeoutSeconds });
    const entry = { value, until: now + FRESH_MILLISECONDS };
    entries.set(key, entry);
    value.catch(() => entries.get(key) === entry && entries.delete(key));
    return untilAborted(value, signal);
  };
}

function untilAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new AtlasError("TIMEOUT", GIVEN_UP, { provider: "runpod" }));
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

const GIVEN_UP = "runpod: the catalogue was not read: the caller gave up";
