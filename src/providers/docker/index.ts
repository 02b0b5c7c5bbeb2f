/**
 * Containers on a machine of your own, through the Engine API of Docker (or of Podman), with its GPUs.
 * @module
 */
import type { DockerMethods } from "./methods.ts";
import {
  type DockerComputeOptions,
  type DockerOptions,
  PULL_SECONDS,
  parseComputeOptions,
  parseDockerOptions,
} from "./options.ts";
import type { DockerProvider } from "./types.ts";
import { nameOfKeptVolume } from "./volume-names.ts";

export type { DockerComputeOptions, DockerDevice, DockerOptions, DockerRegistry } from "./options.ts";
export type { DockerProvider, KeptVolume, KeptVolumes } from "./types.ts";

declare module "../../request.ts" {
  interface ProviderOptions {
    readonly docker?: DockerComputeOptions | undefined;
  }
}

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
  const settings = parseDockerOptions(options);
  let opened: Promise<DockerMethods> | undefined;
  const open = (): Promise<DockerMethods> => {
    opened ??= import("./methods.ts").then(({ createMethods }) => createMethods(settings));
    return opened;
  };
  return {
    name: "docker",
    // The image is there when the container exists, so that only the start is left.
    bootTimeoutSeconds: 60,
    createTimeoutSeconds: PULL_SECONDS + CREATE_SECONDS,
    // Every read sees a container whose id the daemon told. A create without an answer may show up later, and has no id yet.
    absenceGraceSeconds: 0,
    lookSeconds: 0.5,
    parseOptions: parseComputeOptions,
    candidates: async (request, context) => (await open()).candidates(request, context),
    create: async (request, context) => (await open()).create(request, context),
    get: async (reference, context) => (await open()).get(reference, context),
    list: async (scope, context) => (await open()).list(scope, context),
    find: async (name, context) => (await open()).find(name, context),
    terminate: async (reference, context) => (await open()).terminate(reference, context),
    stop: async (reference, context) => (await open()).stop(reference, context),
    start: async (reference, context) => (await open()).start(reference, context),
    logs: async function* (reference, logOptions, context) {
      yield* (await open()).logs(reference, logOptions, context);
    },
    listGpuTypes: async (context) => (await open()).listGpuTypes(context),
    volumes: {
      nameOf: nameOfKeptVolume,
      list: async (namespace, context) => (await open()).volumes.list(namespace, context),
      remove: async (name, context) => (await open()).volumes.remove(name, context),
    },
  };
}
