/** Instances that no live record points to: ended when they are provably ours, reported otherwise. */
import { computeIdOf } from "../../internal/names.ts";
import type { Instance, Provider } from "../../provider.ts";
import { type ComputeRecord, isLive } from "../../store.ts";
import { callProvider } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../message.ts";
import type { Listing, ReapPass } from "./pass.ts";
import type { ReapEntry } from "./task.ts";

const NAMES_PER_QUERY = 500;

/** What the search for orphans came to. */
export interface OrphanSearch {
  readonly orphans: readonly ReapEntry[];
  readonly failed: readonly ReapEntry[];
  /** Whether more were found than `limit` allowed to end. */
  readonly remaining: boolean;
}

/** Looks through everything the provider lists in this namespace. */
export async function searchOrphans(
  pass: ReapPass,
  provider: Provider,
  options: { readonly end: boolean; readonly limit: number },
): Promise<OrphanSearch> {
  const { context } = pass;
  let listing: Listing;
  try {
    listing = await pass.list(provider);
  } catch (error) {
    return {
      orphans: [],
      failed: [{ provider: provider.name, reason: "list", error: messageOf(error) }],
      remaining: false,
    };
  }
  const named = listing.instances.filter(({ name }) => computeIdOf(context.namespace, name) !== undefined);
  const records = await recordsByName(context, named);
  const owner = await context.store.identity();
  const orphans = named.filter((instance) => isOrphan(instance, records.get(instance.name), listing));
  const ours = orphans.filter((instance) => instance.owner === owner);
  const foreign = orphans
    .filter((instance) => instance.owner !== owner)
    .map((instance) => foreignEntry(provider, instance));
  if (!options.end)
    return {
      orphans: [...ours.map((orphan) => entryOf(context, provider, orphan)), ...foreign],
      failed: [],
      remaining: false,
    };
  const ended = await Promise.all(
    ours.slice(0, options.limit).map((orphan) => endOrphan(pass, provider, orphan)),
  );
  return {
    orphans: [...ended.filter(({ error }) => error === undefined), ...foreign],
    failed: ended.filter(({ error }) => error !== undefined),
    remaining: ours.length > options.limit,
  };
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

/** A record that is being placed may be about to adopt any instance of its name; one that ended since the list began may have ended this one. */
function isOrphan(instance: Instance, record: ComputeRecord | undefined, { begunAt }: Listing): boolean {
  if (instance.status === "terminating" || instance.status === "terminated") return false;
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
  return { ...(computeId === undefined ? {} : { computeId }), provider, providerId, reason: "orphan" };
}

function foreignEntry({ name: provider }: Provider, { providerId }: Instance): ReapEntry {
  return { provider, providerId, reason: "another store's, left alone" };
}

async function endOrphan(pass: ReapPass, provider: Provider, orphan: Instance): Promise<ReapEntry> {
  const { context, signal } = pass;
  const { name, providerId } = orphan;
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const entry = entryOf(context, provider, orphan);
  try {
    await callProvider(context, { provider, operation: "terminate", signal, timeoutSeconds }, (callContext) =>
      provider.terminate({ name, providerId }, callContext),
    );
    context.logger.warn(`ended an orphan on ${provider.name}`, { providerId, name });
    return entry;
  } catch (error) {
    return { ...entry, error: messageOf(error) };
  }
}
