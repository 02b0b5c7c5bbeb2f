/** Finding an instance again, by its exact name or by its id. */
import type { Instance, InstanceReference, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { type Call, callProvider, listTimeoutSeconds } from "./call.ts";
import { type Context, providerOf } from "./context.ts";

/** Every instance with exactly this name, whoever made it. */
export async function findNamesakes(
  context: Context,
  call: Omit<Call, "operation">,
  name: string,
): Promise<readonly Instance[]> {
  const { provider } = call;
  const { requestTimeoutSeconds } = context.timing;
  const timeoutSeconds = provider.find === undefined ? listTimeoutSeconds(context) : requestTimeoutSeconds;
  const search = { timeoutSeconds, ...call, operation: "find" };
  const found = await callProvider(context, search, async (callContext) =>
    provider.find === undefined
      ? provider.list({ namePrefix: name }, callContext)
      : provider.find(name, callContext),
  );
  return found.filter((instance) => instance.name === name && instance.status !== "terminated");
}

/** Every instance with exactly this name that carries this store's owner tag: nobody else's is ours to touch. */
export async function findByName(
  context: Context,
  call: Omit<Call, "operation">,
  name: string,
): Promise<readonly Instance[]> {
  const owner = await context.store.identity();
  const found = await findNamesakes(context, call, name);
  return found.filter((instance) => instance.owner === owner);
}

/** The instance of a record as the provider shows it now: by id where it is known, else by name. The oldest of several. */
export async function lookUp(
  context: Context,
  record: ComputeRecord,
  signal?: AbortSignal,
): Promise<Instance | undefined> {
  const provider = providerOf(context, record);
  const call = { provider, signal, computeId: record.id };
  const { providerId, name } = record;
  if (providerId === null) return oldest(await findByName(context, call, name));
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  return callProvider(context, { ...call, operation: "get", timeoutSeconds }, (callContext) =>
    provider.get({ name, providerId }, callContext),
  );
}

/** How a record's instance is named in calls. */
export function referenceOf({ name, providerId }: ComputeRecord): InstanceReference {
  return providerId === null ? { name } : { name, providerId };
}

/** The instance that was created first. */
export function oldest(instances: readonly Instance[]): Instance | undefined {
  return instances.toSorted((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0))[0];
}

/** From when on the absence of the record's instance proves that it is gone: what was never seen may still turn up for long. */
export function absenceProvenFrom(context: Context, provider: Provider, record: ComputeRecord): Date {
  if (record.placedAt === null) return record.createdAt;
  const { pendingGraceSeconds } = context.timing;
  const seconds = record.providerId === null ? pendingGraceSeconds : provider.absenceGraceSeconds;
  return new Date(record.placedAt.getTime() + seconds * 1000);
}
