/** Creating an instance: the image, the GPUs, the container, its start; and removing the container after a refusal. */
import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { CreateRequest, Instance } from "../../provider.ts";
import { GB, requireImage } from "./candidates.ts";
import { nameOf, toInstance } from "./convert.ts";
import { findDevices, toDeviceRequest } from "./devices.ts";
import { cleanUpContext, type Host } from "./host.ts";
import { optionsOf } from "./options.ts";
import { toPortsLabel, toPublishedPorts } from "./ports.ts";
import { ensureImage } from "./pull.ts";
import { type Reservation, reserve } from "./reservation.ts";
import { toMounts } from "./volumes.ts";
import {
  type Container,
  type ContainerBody,
  type DeviceRequestBody,
  LABELS,
  type MountBody,
} from "./wire.ts";

/** Creates and starts the container of a request, or adopts the one of that name. */
export async function createInstance(
  host: Host,
  request: CreateRequest,
  context: CallContext,
): Promise<Instance> {
  const image = requireImage(request);
  await ensureImage(host, image, optionsOf(request).pull, context);
  const mounts = await toMounts(host, request, context).catch(throwAsRefusal);
  const { gpu } = request.candidate;
  const container =
    gpu === undefined
      ? await createAndStart(host, request, toContainerBody(host, request, image, mounts), undefined, context)
      : await createWithGpus(host, request, { image, mounts, gpu }, context);
  return toInstance(container, host.settings, host.settings.clock.now());
}

interface GpuPlan {
  readonly image: string;
  readonly mounts: readonly MountBody[];
  readonly gpu: string;
}

async function createWithGpus(
  host: Host,
  request: CreateRequest,
  { image, mounts, gpu }: GpuPlan,
  context: CallContext,
): Promise<Container> {
  const present = await host.api.container(request.name, context).catch(throwAsRefusal);
  if (present !== undefined) return adopt(host, present.Id, request, context);
  const devices = await findDevices(host, context).catch(throwAsRefusal);
  const wish = { devices, type: gpu, count: request.gpuCount, image };
  const reservation = await reserve(host, wish, context);
  try {
    const gpus = { gpu, ids: reservation.ids, request: toDeviceRequest(devices.mode, reservation.ids) };
    const body = toContainerBody(host, request, image, mounts, gpus);
    return await createAndStart(host, request, body, reservation, context);
  } finally {
    await reservation.release(context);
  }
}

/** Creates the container, makes sure that its GPUs are its own, and starts it. */
async function createAndStart(
  host: Host,
  request: CreateRequest,
  body: ContainerBody,
  reservation: Reservation | undefined,
  context: CallContext,
): Promise<Container> {
  const created = await createContainer(host, request, body, context);
  if ("holder" in created) return adopt(host, created.holder, request, context);
  const { id } = created;
  try {
    await reservation?.confirm(context);
    await host.api.start(id, context);
  } catch (error) {
    throw await withdrawn(host, id, error, context);
  }
  const container = await host.api.container(id, context).catch(throwAsUnsure);
  return container ?? throwAsUnsure(goneError(request.name));
}

/** Creates the container; its disk has a limit only where the daemon's storage knows one. */
async function createContainer(
  { api }: Host,
  { name, env }: CreateRequest,
  body: ContainerBody,
  context: CallContext,
): Promise<{ id: string } | { holder: string }> {
  const secrets = Object.values(env);
  const send = async (sent: ContainerBody): Promise<{ id: string } | { holder: string }> => {
    try {
      return { id: await api.createContainer(name, sent, secrets, context) };
    } catch (error) {
      if (!isAtlasError(error) || error.code !== "CONFLICT" || error.providerId === undefined) throw error;
      return { holder: error.providerId };
    }
  };
  const { StorageOpt, ...hostConfig } = body.HostConfig;
  if (StorageOpt === undefined) return send(body);
  return send(body).catch((error: unknown) => {
    if (!isAtlasError(error) || error.code !== "UNSUPPORTED") throw error;
    return send({ ...body, HostConfig: hostConfig });
  });
}

/** Takes the container that has the name for what this create made, if it is ours. */
async function adopt(
  { api }: Host,
  id: string,
  { name, owner }: CreateRequest,
  context: CallContext,
): Promise<Container> {
  const container = await api.container(id, context).catch(throwAsUnsure);
  if (container === undefined) return throwAsUnsure(goneError(name));
  if (nameOf(container.Name) !== name || container.Config.Labels?.[LABELS.owner] !== owner)
    throw new AtlasError(
      "CONFLICT",
      `docker: the name ${name} belongs to a container that Atlas did not create`,
      {
        provider: "docker",
        mayHaveCreated: false,
      },
    );
  // An earlier create may still start it, and if none does, it is ended as a part of an instance.
  if (container.State.Status === "created")
    throw withOutcome(
      new AtlasError("UNAVAILABLE", `docker: the container ${name} exists and was not started`),
      true,
    );
  return container;
}

/** After a failure before the container ran: removes it. Where the daemon did not answer the start, the container may run, and stays. */
async function withdrawn(host: Host, id: string, error: unknown, context: CallContext): Promise<unknown> {
  if (!isAtlasError(error)) return error;
  const wasRefused = error.status !== undefined || error.mayHaveCreated === false;
  if (!wasRefused) return withOutcome(error, true);
  const remains = await host.api.removeContainer(id, cleanUpContext(context)).then(
    () => false,
    () => true,
  );
  return remains
    ? withOutcome(error, true, `${error.message}; the container ${id} could not be removed and may remain`)
    : withOutcome(error, false);
}

function goneError(name: string): AtlasError {
  return new AtlasError("UNAVAILABLE", `docker: the container ${name} was there and is gone`);
}

function throwAsRefusal(error: unknown): never {
  throw isAtlasError(error) ? withOutcome(error, false) : error;
}

function throwAsUnsure(error: unknown): never {
  throw isAtlasError(error) ? withOutcome(error, true) : error;
}

function withOutcome(error: AtlasError, mayHaveCreated: boolean, message = error.message): AtlasError {
  const { code, status, retryable, retryAfterSeconds, details, cause } = error;
  const facts = { provider: "docker", status, retryable, retryAfterSeconds, details, cause, mayHaveCreated };
  return new AtlasError(code, message, facts);
}

interface Gpus {
  readonly gpu: string;
  readonly ids: readonly string[];
  readonly request: DeviceRequestBody;
}

/** Shared memory of a container with GPUs, by which their programs exchange tensors. Docker's default of 64 MB is too little, and unused memory costs nothing. */
const SHARED_MEMORY_GB = 8;

/** The end of the oldest log lines, so that a talkative program does not fill the disk. */
const LOGS = { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } } as const;

/** The container to create. */
function toContainerBody(
  { settings }: Pick<Host, "settings">,
  request: CreateRequest,
  image: string,
  mounts: readonly MountBody[],
  gpus?: Gpus,
): ContainerBody {
  const { cpus, memoryGb, diskGb } = request;
  const { network, runtime } = optionsOf(request);
  const { ExposedPorts, PortBindings } = toPublishedPorts(request.ports, settings);
  return {
    Image: image,
    ...defined({ Cmd: request.command }),
    Env: Object.entries({ ...request.env, ATLAS_OWNER: request.owner }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: toLabels(request, gpus),
    ExposedPorts,
    HostConfig: defined({
      Init: true,
      RestartPolicy: { Name: "no" as const },
      PortBindings,
      LogConfig: LOGS,
      NetworkMode: network,
      Runtime: runtime,
      Memory: memoryGb === undefined ? undefined : Math.round(memoryGb * GB),
      NanoCpus: cpus === undefined ? undefined : cpus * 1e9,
      StorageOpt: diskGb === undefined ? undefined : { size: `${diskGb}G` },
      ShmSize: gpus === undefined ? undefined : SHARED_MEMORY_GB * GB,
      Mounts: mounts.length === 0 ? undefined : mounts,
      DeviceRequests: gpus === undefined ? undefined : [gpus.request],
    }),
  };
}

function toLabels({ owner, ports }: CreateRequest, gpus: Gpus | undefined): Readonly<Record<string, string>> {
  return defined({
    [LABELS.owner]: owner,
    [LABELS.ports]: toPortsLabel(ports),
    [LABELS.gpus]: gpus?.ids.join(","),
    [LABELS.gpu]: gpus?.gpu,
  });
}
