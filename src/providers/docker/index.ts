/**
 * Containers on a machine of your own, through the Engine API of Docker (or of Podman), with its GPUs.
 * @module
 */
import type { Provider } from "../../provider.ts";
import { findCandidates, listGpuTypes } from "./candidates.ts";
import { createInstance } from "./create.ts";
import { lazyHost } from "./host.ts";
import {
  findInstances,
  getInstance,
  listInstances,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances.ts";
import { readLogs } from "./logs.ts";
import {
  type DockerComputeOptions,
  type DockerOptions,
  parseComputeOptions,
  parseDockerOptions,
} from "./options.ts";
import { PULL_SECONDS } from "./pull.ts";
import type { KeptVolumes } from "./types.ts";
import { keptVolumes } from "./volumes.ts";

export type { DockerComputeOptions, DockerDevice, DockerOptions, DockerRegistry } from "./options.ts";
export type { KeptVolume, KeptVolumes } from "./types.ts";

declare module "../../request.ts" {
  interface ProviderOptions {
    readonly docker?: DockerComputeOptions | undefined;
  }
}

/** A provider of containers, with the optional methods that Docker supports. */
export type DockerProvider = Provider &
  Required<Pick<Provider, "parseOptions" | "find" | "stop" | "start" | "logs" | "listGpuTypes">> & {
    /** The volumes that are kept for users. */
    readonly volumes: KeptVolumes;
  };

/** The time that a create may take beside the download of its image, in seconds. */
const CREATE_SECONDS = 60;

/**
 * Makes a provider of containers on one Docker daemon: that of this machine, or a remote one behind TLS. Access to the daemon is access to
 * its whole machine.
 *
 * @throws VALIDATION for an option that does not exist or is not valid. The first call that needs a daemon's address or certificates that
 * cannot be used throws.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { docker } from "atlas-compute/docker";
 *
 * const atlas = createAtlas({ providers: [docker()] });
 * const compute = await atlas.spawnCompute({
 *   gpu: "rtx-4090",
 *   image: "ghcr.io/me/server:1",
 *   ports: [8000],
 *   userId: "user_42",
 *   providerOptions: { docker: { volume: "keep" } },
 * });
 * console.log(compute.url(8000)); // http://127.0.0.1:32768
 * ```
 */
export function docker(options: DockerOptions = {}): DockerProvider {
  const host = lazyHost(parseDockerOptions(options));
  return {
    name: "docker",
    // The image is there when the container exists, so that only the start is left.
    bootTimeoutSeconds: 60,
    createTimeoutSeconds: PULL_SECONDS + CREATE_SECONDS,
    // Every read sees a container whose id the daemon told. A create without an answer may show up later, and has no id yet.
    absenceGraceSeconds: 0,
    lookSeconds: 0.5,
    parseOptions: parseComputeOptions,
    candidates: async (request, context) => findCandidates(host(), request, context),
    create: async (request, context) => createInstance(host(), request, context),
    get: async (reference, context) => getInstance(host(), reference, context),
    list: async ({ namePrefix }, context) => listInstances(host(), namePrefix, context),
    find: async (name, context) => findInstances(host(), name, context),
    terminate: async (reference, context) => terminateInstance(host(), reference, context),
    stop: async (reference, context) => stopInstance(host(), reference, context),
    start: async (reference, context) => startInstance(host(), reference, context),
    logs: (reference, logOptions, context) => readLogs(host(), reference, logOptions, context),
    listGpuTypes: async (context) => listGpuTypes(host(), context),
    volumes: keptVolumes(host),
  };
}
