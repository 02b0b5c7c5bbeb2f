/** Finding an instance again, by its exact name or by its id. */
import type { Instance, InstanceReference, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { type Call, callProvider, listTimeoutSeconds } from "./call.ts";
import { type Environment, providerOf } from "./context.ts";

/** Every instance with exactly this name, whoever made it. */
export async function findNamesakes(
  environment: Environment,
  call: Omit<Call, "operation">,
  name: string,
): Promise<readonly Instance[]> {
  const { provider } = call;
  const { requestTimeoutSeconds } = environment.timing;
  const timeoutSeconds =
    provider.find === undefined ? listTimeoutSeconds(environment) : requestTimeoutSeconds;
  const search = { timeoutSeconds, ...call, operation: "find" };
  const found = await callProvider(environment, search, async (context) =>
    provider.find === undefined ? provider.list({ namePrefix: name }, context) : provider.find(name, context),
  );
  return found.filter((instance) => instance.name === name && instance.status !== "terminated");
}

/** Every instance with exactly this name that carries this store's owner tag: nobody else's is ours to touch. */
export async function findByName(
  environment: Environment,
  call: Omit<Call, "operation">,
  name: string,
): Promise<readonly Instance[]> {
  const owner = await environment.store.identity();
  const found = await findNamesakes(environment, call, name);
  return found.filter((instance) => instance.owner === owner);
}

/** The instance of a record as the provider shows it now: by id where it is known, else by name. The oldest of several. */
export async function lookUp(
  environment: Environment,
  record: ComputeRecord,
  signal?: AbortSignal,
): Promise<Instance | undefined> {
  const provider = providerOf(environment, record);
  const call = { provider, signal, computeId: record.id };
  const { providerId, name } = record;
  if (providerId === null) return oldest(await findByName(environment, call, name));
  const timeoutSeconds = environment.timing.requestTimeoutSeconds;
  return callProvider(environment, { ...call, operation: "get", timeoutSeconds }, (context) =>
    provider.get({ name, providerId }, context),
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
export function absenceProvenFrom(environment: Environment, provider: Provider, record: ComputeRecord): Date {
  if (record.placedAt === null) return record.createdAt;
  const { pendingGraceSeconds } = environment.timing;
  const seconds = record.providerId === null ? pendingGraceSeconds : provider.absenceGraceSeconds;
  return new Date(record.placedAt.getTime() + seconds * 1000);
}
