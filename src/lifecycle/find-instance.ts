/** Looking for an instance, by its exact name or by its id. */
import type { Instance, InstanceReference, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { type CallParts, callProvider, listTimeoutSeconds } from "./call.ts";
import type { Context } from "./context.ts";
import { providerOf } from "./providers.ts";
import { after } from "./record/time.ts";

/** Finds every instance with exactly this name, also those of other stores. */
export async function findNamesakes(
  context: Context,
  call: CallParts,
  name: string,
): Promise<readonly Instance[]> {
  const { provider } = call;
  const timeoutSeconds = provider.find === undefined ? listTimeoutSeconds(context) : undefined;
  const search = { timeoutSeconds, ...call, operation: "find" };
  const found = await callProvider(context, search, async (callContext) =>
    provider.find === undefined
      ? provider.list({ namePrefix: name }, callContext)
      : provider.find(name, callContext),
  );
  return found.filter((instance) => instance.name === name && instance.status !== "terminated");
}

/** Finds every instance with exactly this name that carries this store's owner tag. Atlas touches no other. */
export async function findByName(
  context: Context,
  call: CallParts,
  name: string,
): Promise<readonly Instance[]> {
  const owner = await context.store.identity();
  const found = await findNamesakes(context, call, name);
  return found.filter((instance) => instance.owner === owner);
}

/**
 * Asks a provider for one instance. `undefined` when the provider says that it does not exist. An answer about an instance of another name
 * proves nothing: then the name itself is looked up.
 */
export async function getInstance(
  context: Context,
  call: CallParts,
  reference: InstanceReference,
): Promise<Instance | undefined> {
  const instance = await callProvider(context, { ...call, operation: "get" }, (callContext) =>
    call.provider.get(reference, callContext),
  );
  if (instance === undefined || instance.name === reference.name) return instance;
  const facts = { computeId: call.computeId, providerId: instance.providerId, name: instance.name };
  context.logger.error(
    `${call.provider.name} shows another instance under the id of ${reference.name}`,
    facts,
  );
  return oldest(await findByName(context, call, reference.name));
}

/** The instance of a record as the provider shows it now: by its id where that is known, else the oldest of its name. */
export async function lookUp(
  context: Context,
  record: ComputeRecord,
  signal?: AbortSignal,
): Promise<Instance | undefined> {
  const call = { provider: providerOf(context, record), signal, computeId: record.id };
  return record.providerId === null
    ? oldest(await findByName(context, call, record.name))
    : getInstance(context, call, referenceOf(record));
}

/** True when a list shows an end that was not asked for, without its exit code or words: a read of the one instance may have them. */
export function isUnexplained({ status }: ComputeRecord, listed: Instance): boolean {
  const isNews = listed.status === "failed" || (listed.status === "stopped" && status !== "stopped");
  return isNews && listed.exitCode === undefined && listed.message === undefined;
}

/** The reference to a record's instance, for calls. */
export function referenceOf({ name, providerId }: ComputeRecord): InstanceReference {
  return providerId === null ? { name } : { name, providerId };
}

/** The instance that was created first. */
export function oldest(instances: readonly Instance[]): Instance | undefined {
  return instances.toSorted((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0))[0];
}

/** The time from which absence proves that the record's instance is gone. An instance that was never seen may turn up for long. */
export function absenceProvenFrom(context: Context, provider: Provider, record: ComputeRecord): Date {
  const { placedAt, providerId, createdAt } = record;
  if (placedAt === null) return createdAt;
  const grace = providerId === null ? createGraceSeconds(context, provider) : provider.absenceGraceSeconds;
  return after(placedAt, grace);
}

/** The time after a create in which its instance may still appear. */
export function createGraceSeconds({ timing }: Context, provider: Provider): number {
  return Math.min(timing.pendingGraceSeconds, provider.createGraceSeconds ?? Number.POSITIVE_INFINITY);
}
