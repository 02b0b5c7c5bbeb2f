/** Creating an instance: the app, its addresses, a volume, the machine; and removing the app after a refusal. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import { type Account, hostOf } from "./account.ts";
import { assignAddresses, ensureApp, isUnknownYet, onceKnown, removeEmptyApp } from "./apps.ts";
import { requireImage } from "./candidates.ts";
import { toInstance } from "./convert.ts";
import { toGuest } from "./guest.ts";
import { toNetworkName } from "./network.ts";
import { type FlyCheck, type FlyComputeOptions, parseComputeOptions } from "./options.ts";
import { toServices } from "./ports.ts";
import {
  type AddressType,
  type Machine,
  type MachineBody,
  type MachineCheck,
  type Mount,
  OWNER_KEY,
  PORT_NAME_KEY,
  STOP_MODE_KEY,
  type VolumeBody,
} from "./wire.ts";

/** Creates the machine of a request, with everything it needs around it. */
export async function createInstance(
  account: Account,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const plan = toPlan(request, parseComputeOptions(request.options), account.clock.now());
  const machine =
    account.sharedApp === undefined
      ? await createInOwnApp(account, plan, context)
      : await createMachine(account, account.sharedApp, plan.machine, context);
  return toInstance(machine, hostOf(account, request.name, machine.id));
}

async function createInOwnApp(account: Account, plan: Plan, context: CallContext): Promise<Machine> {
  const app = plan.machine.name;
  const isNew = await ensureApp(account, app, plan.network, context);
  const withdraw = (error: unknown): Promise<never> => throwWithoutApp(account, app, error, context);
  const machine = await furnish(account, plan, isNew, context).catch(withdraw);
  const create = (): Promise<Machine> => createMachine(account, app, machine, context);
  return onceKnown(account, context, create).catch((error: unknown) => {
    if (isAtlasError(error) && error.mayHaveCreated === false) return withdraw(error);
    throw error;
  });
}

/** Adds the addresses and the volume to the app. Returns the machine with the volume mounted. */
async function furnish(
  account: Account,
  { machine, addresses, volume }: Plan,
  isNew: boolean,
  context: CallContext,
): Promise<MachineBody> {
  const app = machine.name;
  await assignAddresses(account, app, addresses, isNew, context);
  if (volume === undefined) return machine;
  const create = (): Promise<string> => account.api.createVolume(app, volume.body, context);
  const id = await onceKnown(account, context, create);
  return { ...machine, config: { ...machine.config, mounts: [{ volume: id, path: volume.path }] } };
}

async function createMachine(
  { api }: Account,
  app: string,
  body: MachineBody,
  context: CallContext,
): Promise<Machine> {
  try {
    return await api.createMachine(app, body, context);
  } catch (error) {
    const holder = isAtlasError(error) && error.code === "CONFLICT" ? error.providerId : undefined;
    if (holder === undefined) throw error;
    const machine = await api.machine(app, holder, context).catch(throwAsUnsure);
    return machine?.name === body.name ? machine : throwAsUnsure(error);
  }
}

/** Fly reported that a machine of this name exists, and did not show it. */
function throwAsUnsure(error: unknown): never {
  throw isAtlasError(error) ? withOutcome(error, true) : error;
}

/** Removes the app, and throws the error with the outcome after the removal. Of an app that Fly never showed, a 404 proves no removal. */
async function throwWithoutApp(
  account: Account,
  app: string,
  error: unknown,
  context: CallContext,
): Promise<never> {
  if (!isAtlasError(error)) throw error;
  const remains = await removeEmptyApp(account, app, context).then(
    (accepted) => !accepted && isUnknownYet(error),
    () => true,
  );
  throw remains
    ? withOutcome(error, true, `${error.message}; its app ${app} could not be removed and may remain`)
    : withOutcome(error, false);
}

function withOutcome(error: AtlasError, mayHaveCreated: boolean, message = error.message): AtlasError {
  const { code, provider, status, retryable, retryAfterSeconds, requestId, details, cause } = error;
  const facts = { provider, status, retryable, retryAfterSeconds, requestId, details, cause };
  return new AtlasError(code, message, { ...facts, mayHaveCreated });
}

/** Everything that a create requests of Fly, computed before the first request. A shared app needs the machine only. */
interface Plan {
  readonly network: string;
  readonly addresses: readonly AddressType[];
  readonly volume: { readonly body: VolumeBody; readonly path: string } | undefined;
  readonly machine: MachineBody;
}

const DEFAULT_VOLUME_PATH = "/workspace";

/** The plan of a request. @throws VALIDATION for a request that Fly cannot fulfil. */
function toPlan(request: CreateRequest, options: FlyComputeOptions, now: Date): Plan {
  return {
    network: options.network ?? toNetworkName(request.name, request.owner, now),
    addresses: addressTypes(request, options),
    volume: toVolume(request),
    machine: toMachineBody(request, requireImage(request), options, presentMounts(request)),
  };
}

/** The addresses that the ports need. A shared IPv4 address carries only TLS, so that an app without an http port gets none. */
function addressTypes({ ports }: CreateRequest, { ipv4 }: FlyComputeOptions): readonly AddressType[] {
  if (ports.length === 0) return [];
  if (ipv4 === "dedicated") return ["v4", "v6"];
  return ports.some(({ protocol }) => protocol === "http") ? ["shared_v4", "v6"] : ["v6"];
}

function toVolume(request: CreateRequest): Plan["volume"] {
  const { volumeGb, volumePath = DEFAULT_VOLUME_PATH, candidate } = request;
  if (volumeGb === undefined) return undefined;
  if (candidate.region === undefined)
    throw new AtlasError("VALIDATION", "fly: a volume needs a region: add `regions` to the request", {
      provider: "fly",
    });
  return { body: { name: "data", region: candidate.region, size_gb: volumeGb }, path: volumePath };
}

function presentMounts(request: CreateRequest): readonly Mount[] {
  const { networkVolumeId, volumePath = DEFAULT_VOLUME_PATH } = request;
  return networkVolumeId === undefined ? [] : [{ volume: networkVolumeId, path: volumePath }];
}

const MAX_RESTARTS = 3;

/** The machine to create. */
export function toMachineBody(
  request: CreateRequest,
  image: string,
  options: FlyComputeOptions,
  mounts: readonly Mount[],
): MachineBody {
  const { candidate, command, diskGb } = request;
  const { autostop = "off", restart = "on-failure" } = options;
  const guest = toGuest({ ...request, cpuKind: options.cpuKind });
  return {
    ...defined({ name: request.name, region: candidate.region }),
    config: defined({
      image,
      env: request.env,
      guest: { cpu_kind: guest.cpuKind, cpus: guest.cpus, memory_mb: guest.memoryMb },
      metadata: toMetadata(request, options),
      restart: defined({
        policy: restart,
        max_retries: restart === "on-failure" ? MAX_RESTARTS : undefined,
      }),
      services: toServices(request.ports, autostop),
      init: command && { cmd: command },
      checks: options.checks && toChecks(options.checks),
      mounts: mounts.length === 0 ? undefined : mounts,
      rootfs: diskGb === undefined ? undefined : { size_gb: diskGb },
    }),
  };
}

function toMetadata(
  { owner, ports }: CreateRequest,
  { stopMode }: FlyComputeOptions,
): Readonly<Record<string, string>> {
  const names = ports.flatMap(({ internal, name }) => (name ? [[PORT_NAME_KEY + internal, name]] : []));
  return {
    ...defined({ [OWNER_KEY]: owner, [STOP_MODE_KEY]: stopMode }),
    ...Object.fromEntries(names),
  };
}

function toChecks(checks: Readonly<Record<string, FlyCheck>>): Readonly<Record<string, MachineCheck>> {
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, toCheck(check)]));
}

function toCheck({ type, port, path, method, ...times }: FlyCheck): MachineCheck {
  return defined({
    type,
    port,
    path,
    method,
    interval: toDuration(times.intervalSeconds),
    timeout: toDuration(times.timeoutSeconds),
    grace_period: toDuration(times.gracePeriodSeconds),
  });
}

function toDuration(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : `${seconds}s`;
}
