/** Spawning a compute: parse the request, collect the candidates, then place it on one of them. */
import { newComputeId } from "../../internal/compute-id.ts";
import { signalField } from "../../internal/option-fields.ts";
import { parseFields } from "../../internal/parse.ts";
import { traced } from "../../internal/telemetry.ts";
import { type ParsedRequest, parseRequest } from "../../request.ts";
import type { ComputeRecord } from "../../store.ts";
import type { Context, Progress } from "../context.ts";
import { onProgressField, reporter } from "../listeners.ts";
import { collectPlacements } from "./candidates.ts";
import { fingerprint, repeated } from "./intent.ts";
import { place } from "./place.ts";
import { mintSecrets } from "./secrets.ts";
import type { Spawned } from "./state.ts";

/** Options of a spawn beside the request. */
export interface SpawnOptions {
  /** Gives up the spawn. A create under way becomes `uncertain`; the reaper ends its instance when that turns up. */
  readonly signal?: AbortSignal | undefined;
  /** Called at each step of the spawn. An error that it throws is logged. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const FIELDS = { signal: signalField, onProgress: onProgressField };

/** Spawns a compute. See `Atlas.spawnCompute` for what it throws. */
export function spawn(context: Context, input: unknown, options: SpawnOptions = {}): Promise<Spawned> {
  return traced({ name: "spawn", labels: {} }, () => spawnOnce(context, input, options));
}

async function spawnOnce(context: Context, input: unknown, options: SpawnOptions): Promise<Spawned> {
  const { signal, onProgress } = parseFields("The options of spawnCompute", FIELDS, options);
  const request = parseRequest(input);
  signal?.throwIfAborted();
  const owner = await context.store.identity();
  const requestHash = fingerprint(owner, request);
  const earlier = await findEarlier(context, request);
  if (earlier !== undefined) return repeated(earlier, requestHash);
  const report = reporter(context, onProgress);
  report("placing", "looking for a place");
  const found = await collectPlacements(context, request, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  const id = newComputeId();
  const secrets = mintSecrets(request.auth, id, context);
  return place({ context, request, requestHash, id, secrets, owner, signal, report }, found);
}

async function findEarlier(
  { store, namespace }: Context,
  { idempotencyKey }: ParsedRequest,
): Promise<ComputeRecord | undefined> {
  if (idempotencyKey === null) return undefined;
  return (await store.getByIdempotencyKey(namespace, idempotencyKey))?.record;
}
