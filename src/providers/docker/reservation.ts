/**
 * Reserves GPUs, also against other processes. Docker reserves none, and its only atomic act is to give a name to one container.
 *
 * A container's label holds its GPUs for as long as the container exists. A lock, which is a container that is never started, guards the
 * choice: take the lock of each GPU; look that no label holds it; create the container with its label; look that the locks are still
 * there; start. Of two rivals, the later one takes its lock after the earlier one's lock ended, which is after the earlier one's container
 * was there, so that it sees the label. So a lock may be broken at any time: its holder notices before it starts anything
 * (docs/decisions/0011).
 */
import { randomUUID } from "node:crypto";
import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import { type Devices, freeDevices } from "./devices.ts";
import { cleanUpContext, type Host } from "./host.ts";
import { type ContainerBody, LABELS, type ListedContainer } from "./wire.ts";

/** The GPUs to reserve. */
export interface Wish {
  readonly devices: Devices;
  /** The type, or `any`. */
  readonly type: string;
  readonly count: number;
  /** An image that is there, because a lock needs one. */
  readonly image: string;
}

/** Reserved GPUs. */
export interface Reservation {
  readonly ids: readonly string[];
  /** @throws CAPACITY when another process took a lock away, so that the GPUs may be another's */
  confirm(context: CallContext): Promise<void>;
  /** Removes the locks. The label holds the GPUs from then on. */
  release(context: CallContext): Promise<void>;
}

interface Lock {
  readonly device: string;
  readonly containerId: string;
}

/** The age from which a lock belongs to a process that died, in seconds. */
const STALE_SECONDS = 60;
const MAX_TRIES = 40;
const PAUSE_MILLISECONDS = 250;

/** Reserves GPUs. While rivals are choosing, it waits for their choice. @throws CAPACITY when not enough are free */
export async function reserve(host: Host, wish: Wish, context: CallContext): Promise<Reservation> {
  for (let tries = 1; ; tries += 1) {
    const { locks, isContested } = await takeLocks(host, wish, context);
    if (locks.length === wish.count) return toReservation(host, locks);
    await releaseLocks(host, locks, context);
    if (!isContested || tries === MAX_TRIES) throw capacityError(wish);
    await host.settings.clock.sleep(PAUSE_MILLISECONDS * (0.5 + Math.random()), context.signal);
  }
}

function capacityError({ type, count }: Wish): AtlasError {
  const message = `docker: not enough free GPUs: ${count} of type ${type} asked`;
  return new AtlasError("CAPACITY", message, { provider: "docker", mayHaveCreated: false });
}

/** Takes as many locks as are wanted and to be had. Contested are GPUs about which a rival has not decided yet. */
async function takeLocks(
  host: Host,
  wish: Wish,
  context: CallContext,
): Promise<{ locks: readonly Lock[]; isContested: boolean }> {
  const locks: Lock[] = [];
  let isContested = false;
  try {
    for (const device of freeDevices(wish.devices, wish.type, wish.count, await heldGpus(host, context))) {
      if (locks.length === wish.count) break;
      const containerId = await takeLock(host, device, wish.image, context);
      if (containerId === undefined) isContested = true;
      else locks.push({ device, containerId });
    }
    const held = await heldGpus(host, context);
    const [lost, own] = [true, false].map((isHeld) =>
      locks.filter(({ device }) => held.has(device) === isHeld),
    );
    await releaseLocks(host, lost ?? [], context);
    return { locks: own ?? [], isContested: isContested || (lost ?? []).length > 0 };
  } catch (error) {
    await releaseLocks(host, locks, context);
    throw nothingCreated(error);
  }
}

/** The GPUs that a container's label holds, whether the container runs or not. */
export async function heldGpus({ api }: Host, context: CallContext): Promise<ReadonlySet<string>> {
  const holders = await api.containers({ label: [LABELS.gpus] }, context);
  return new Set(holders.flatMap(({ Labels }) => Labels?.[LABELS.gpus]?.split(",") ?? []));
}

/** Creates the lock of a device. `undefined` when a rival has it; one that a dead rival left is broken. */
async function takeLock(
  host: Host,
  device: string,
  image: string,
  context: CallContext,
): Promise<string | undefined> {
  const attempt = randomUUID();
  try {
    return await host.api.createContainer(lockName(device), lockBody(device, attempt, image), [], context);
  } catch (error) {
    if (isAtlasError(error) && error.code === "CONFLICT") {
      await breakStaleLocks(host, context);
      return undefined;
    }
    await removeOwnLock(host, device, attempt, context);
    throw error;
  }
}

/** The name of a device's lock. No instance has such a name, because theirs begin with `atlas-`. */
function lockName(device: string): string {
  return `atlas_gpu_${device.replaceAll(/[^A-Za-z0-9-]/g, (character) => `_${character.charCodeAt(0).toString(16)}`)}`;
}

function lockBody(device: string, attempt: string, image: string): ContainerBody {
  return {
    Image: image,
    Cmd: ["lock"],
    Labels: { [LABELS.lock]: device, [LABELS.attempt]: attempt },
    HostConfig: { NetworkMode: "none" },
  };
}

/** After a create with an unknown outcome: removes the lock that it may have made. What remains, breaks when it is stale. */
async function removeOwnLock(
  host: Host,
  device: string,
  attempt: string,
  context: CallContext,
): Promise<void> {
  const cleanUp = cleanUpContext(context);
  await host.api
    .container(lockName(device), cleanUp)
    .then(async (lock) => {
      if (lock?.Config.Labels?.[LABELS.attempt] === attempt) await host.api.removeContainer(lock.Id, cleanUp);
    })
    .catch(() => undefined);
}

/** Removes the locks that died with their process. */
export async function breakStaleLocks(host: Host, context: CallContext): Promise<void> {
  const locks = await host.api.containers({ label: [LABELS.lock] }, context);
  const now = host.settings.clock.now().getTime() / 1000;
  for (const { Id } of locks.filter((lock) => isStale(lock, now)))
    await host.api.removeContainer(Id, context);
}

/** Where the clocks differ by more than that, a lock is broken too early, which costs its holder a try. */
function isStale({ Created }: ListedContainer, now: number): boolean {
  return Math.abs(now - Created) > STALE_SECONDS;
}

function toReservation(host: Host, locks: readonly Lock[]): Reservation {
  return {
    ids: locks.map(({ device }) => device),
    confirm: async (context) => {
      for (const { containerId, device } of locks)
        if ((await host.api.container(containerId, context)) === undefined)
          throw new AtlasError(
            "CAPACITY",
            `docker: another process took the GPU ${device} at the same time`,
            {
              provider: "docker",
              mayHaveCreated: false,
            },
          );
    },
    release: (context) => releaseLocks(host, locks, context),
  };
}

/** A lock that cannot be removed breaks when it is stale. */
async function releaseLocks({ api }: Host, locks: readonly Lock[], context: CallContext): Promise<void> {
  const cleanUp = cleanUpContext(context);
  await Promise.allSettled(locks.map(({ containerId }) => api.removeContainer(containerId, cleanUp)));
}

/** A lock is no part of the instance, so that its failure proves that no instance exists. */
function nothingCreated(error: unknown): unknown {
  if (!isAtlasError(error)) return error;
  const { code, message, status, retryable } = error;
  return new AtlasError(code, message, { provider: "docker", status, retryable, mayHaveCreated: false });
}
