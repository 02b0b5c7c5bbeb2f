/** Reading, listing, ending, stopping and starting instances. */
import pMap from "p-map";
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import type { Instance, InstanceReference } from "../../provider.ts";
import { nameOf, STOPPED_POLICY, toInstance } from "./convert.ts";
import type { Host } from "./host.ts";
import { breakStaleLocks } from "./reservation.ts";
import type { Container } from "./wire.ts";

const CONCURRENT_READS = 8;

/** The instance as it is now. */
export async function getInstance(
  host: Host,
  reference: InstanceReference,
  context: CallContext,
): Promise<Instance | undefined> {
  const container = await readContainer(host, reference, context);
  return container && toInstance(container, host.settings, host.settings.clock.now());
}

/** The container that the reference means. The daemon takes the beginning of an id for a name, too. */
async function readContainer(
  { api }: Host,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<Container | undefined> {
  const container = await api.container(providerId ?? name, context);
  if (container === undefined) return undefined;
  const isMeant = providerId === undefined ? nameOf(container.Name) === name : container.Id === providerId;
  return isMeant ? container : undefined;
}

/** The instance of exactly this name. */
export async function findInstances(
  host: Host,
  name: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const instance = await getInstance(host, { name }, context);
  return instance === undefined ? [] : [instance];
}

/** Every instance whose name begins with the prefix. Also removes the locks of processes that died. */
export async function listInstances(
  host: Host,
  namePrefix: string,
  context: CallContext,
): Promise<readonly Instance[]> {
  const pattern = `^/${namePrefix.replaceAll(/[^A-Za-z0-9-]/g, "\\$&")}`;
  const listed = await host.api.containers({ name: [pattern] }, context);
  await breakStaleLocks(host, context);
  const ours = listed.filter(({ Names }) => Names.some((name) => nameOf(name).startsWith(namePrefix)));
  const read = ({ Id }: { readonly Id: string }): Promise<Container | undefined> =>
    host.api.container(Id, context);
  const containers = await pMap(ours, read, { concurrency: CONCURRENT_READS });
  const now = host.settings.clock.now();
  return containers
    .filter((container) => container !== undefined)
    .map((container) => toInstance(container, host.settings, now));
}

/** Ends the container, with its volumes that have no name. */
export async function terminateInstance(
  host: Host,
  { name, providerId }: InstanceReference,
  context: CallContext,
): Promise<void> {
  await host.api.removeContainer(providerId ?? name, context);
}

/** Stops the container. The policy is set first, so that no reader takes the stop for a crash. */
export async function stopInstance(
  host: Host,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { Id } = await requireContainer(host, reference, context);
  await host.api.setRestartPolicy(Id, STOPPED_POLICY, context);
  await host.api.stop(Id, context);
}

/** Starts the container. */
export async function startInstance(
  host: Host,
  reference: InstanceReference,
  context: CallContext,
): Promise<void> {
  const { Id } = await requireContainer(host, reference, context);
  await host.api.start(Id, context);
  await host.api.setRestartPolicy(Id, "no", context);
}

async function requireContainer(
  host: Host,
  reference: InstanceReference,
  context: CallContext,
): Promise<Container> {
  const container = await readContainer(host, reference, context);
  if (container !== undefined) return container;
  throw new AtlasError("NOT_FOUND", `docker: there is no container ${reference.name}`, {
    provider: "docker",
    providerId: reference.providerId,
  });
}
