/** Orphans: instances that no live record points to. Those that are provably ours are ended, others reported. */
import pMap from "p-map";
import { defined } from "../../internal/defined.ts";
import { computeIdOf } from "../../internal/names.ts";
import type { Instance, Provider } from "../../provider.ts";
import { type ComputeRecord, isLive } from "../../store.ts";
import { type Listing, rememberAccount } from "../belief.ts";
import type { Context } from "../context.ts";
import { terminateInstance } from "../end-instance.ts";
import { messageOf } from "../failures.ts";
import { failureOfLook } from "../looks/look.ts";
import type { ReapPass } from "./pass.ts";
import { takeUpLost, wasLost } from "./take-up.ts";
import type { ReapEntry } from "./task.ts";

const NAMES_PER_QUERY = 500;
/** The number of orphans that end at the same time. */
const CONCURRENCY = 8;

/** The result of a search for orphans. */
export interface OrphanSearch {
  readonly orphans: readonly ReapEntry[];
  /** Computes that had vanished and are taken up again. */
  readonly settled: readonly ReapEntry[];
  readonly failed: readonly ReapEntry[];
  /** True when there are more than `limit` allowed to end. */
  readonly remaining: boolean;
}

/** The effects that a search may have. */
export interface SearchOptions {
  /** Ends the orphans that are ours. */
  readonly end: boolean;
  /** Changes nothing at all. */
  readonly dryRun: boolean;
  /** The number of orphans that it ends at most. */
  readonly limit: number;
}

/** Searches all instances that the provider lists in this namespace. */
export async function searchOrphans(
  pass: ReapPass,
  provider: Provider,
  options: SearchOptions,
): Promise<OrphanSearch> {
  const { context } = pass;
  const listing = await pass.list(provider).catch(messageOf);
  if (typeof listing === "string") return unlisted(provider, listing);
  const named = listing.instances.filter(({ name }) => computeIdOf(context.namespace, name) !== undefined);
  const records = await recordsByName(context, named);
  const owner = await context.store.identity();
  if (!options.dryRun && named.some((instance) => instance.owner === owner))
    await noteAccount(context, provider);
  const surplus = named.filter((instance) => isOrphan(instance, records.get(instance.name), listing));
  const isLost = (instance: Instance): boolean =>
    instance.owner === owner && wasLost(records.get(instance.name), instance);
  const settled = await takeUpAll(pass, provider, options.dryRun, surplus.filter(isLost));
  const orphans = surplus.filter((instance) => !isLost(instance));
  const ours = orphans.filter((instance) => instance.owner === owner);
  const foreign = orphans
    .filter((instance) => instance.owner !== owner)
    .map((instance) => foreignEntry(provider, instance));
  if (!options.end)
    return {
      orphans: [...ours.map((orphan) => entryOf(context, provider, orphan)), ...foreign],
      settled,
      failed: [],
      remaining: false,
    };
  const ended = await pMap(ours.slice(0, options.limit), (orphan) => endOrphan(pass, provider, orphan), {
    concurrency: CONCURRENCY,
  });
  return {
    orphans: [...ended.filter(({ error }) => error === undefined), ...foreign],
    settled,
    failed: ended.filter(({ error }) => error !== undefined),
    remaining: ours.length > options.limit,
  };
}

/** A provider that does not tell its account just now disturbs no pass. */
async function noteAccount(context: Context, provider: Provider): Promise<void> {
  const { error } = await failureOfLook(() => rememberAccount(context, provider));
  if (error?.code === "STORE_UNAVAILABLE") throw error;
  if (error === undefined) return;
  context.logger.warn(`${provider.name} did not tell its account: ${error.message}`, { code: error.code });
}

function unlisted({ name: provider }: Provider, error: string): OrphanSearch {
  return { orphans: [], settled: [], failed: [{ provider, reason: "list", error }], remaining: false };
}

async function takeUpAll(
  { context }: ReapPass,
  provider: Provider,
  dryRun: boolean,
  lost: readonly Instance[],
): Promise<readonly ReapEntry[]> {
  const entries: ReapEntry[] = [];
  for (const instance of lost) {
    const id = computeIdOf(context.namespace, instance.name);
    if (id === undefined) continue;
    if (!dryRun) await takeUpLost(context, provider, id, instance);
    entries.push({ ...entryOf(context, provider, instance), reason: "vanished, taken up again" });
  }
  return entries;
}

async function recordsByName(
  { store, namespace }: Context,
  instances: readonly Instance[],
): Promise<ReadonlyMap<string, ComputeRecord>> {
  const names = [...new Set(instances.map(({ name }) => name))];
  const found = new Map<string, ComputeRecord>();
  for (let from = 0; from < names.length; from += NAMES_PER_QUERY) {
    const some = names.slice(from, from + NAMES_PER_QUERY);
    for (const record of await store.list({ namespace, names: some }, { limit: some.length }))
      found.set(record.name, record);
  }
  return found;
}

/**
 * A record that is being placed may still adopt any instance of its name, and one that ended since the list began may have ended this one. A part in an
 * unknown state may belong to a whole instance that the list does not show.
 */
function isOrphan(instance: Instance, record: ComputeRecord | undefined, { begunAt }: Listing): boolean {
  if (instance.status === "terminating" || instance.status === "terminated") return false;
  if (instance.partial && instance.status === "unknown") return false;
  if (record === undefined) return true;
  if (!isLive(record.status)) return record.endedAt === null || record.endedAt < begunAt;
  return record.providerId !== null && record.providerId !== instance.providerId;
}

function entryOf(
  { namespace }: Context,
  { name: provider }: Provider,
  { name, providerId }: Instance,
): ReapEntry {
  const computeId = computeIdOf(namespace, name);
  return defined({ computeId, provider, providerId, reason: "orphan" });
}

function foreignEntry({ name: provider }: Provider, { providerId }: Instance): ReapEntry {
  return { provider, providerId, reason: "another store's, left alone" };
}

async function endOrphan(pass: ReapPass, provider: Provider, orphan: Instance): Promise<ReapEntry> {
  const { context, signal } = pass;
  const { name, providerId } = orphan;
  const entry = entryOf(context, provider, orphan);
  try {
    await terminateInstance(context, { provider, signal }, { name, providerId });
    context.logger.warn(`ended an orphan on ${provider.name}`, { providerId, name });
    return entry;
  } catch (error) {
    return { ...entry, error: messageOf(error) };
  }
}
