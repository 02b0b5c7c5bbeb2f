/** The methods behind `docker()`, with everything that only a first call needs. */
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
import type { DockerSettings } from "./options.ts";
import type { DockerProvider, KeptVolumes } from "./types.ts";
import { keptVolumes } from "./volumes.ts";

/** The methods that send requests to the daemon. */
export type DockerMethods = Pick<
  DockerProvider,
  "candidates" | "create" | "get" | "list" | "find" | "terminate" | "stop" | "start" | "logs" | "listGpuTypes"
> & { readonly volumes: Omit<KeptVolumes, "nameOf"> };

/** Makes the methods of one provider. */
export function createMethods(settings: DockerSettings): DockerMethods {
  const host = lazyHost(settings);
  return {
    candidates: async (request, context) => findCandidates(host(), request, context),
    create: async (request, context) => createInstance(host(), request, context),
    get: async (reference, context) => getInstance(host(), reference, context),
    list: async ({ namePrefix }, context) => listInstances(host(), namePrefix, context),
    find: async (name, context) => findInstances(host(), name, context),
    terminate: async (reference, context) => terminateInstance(host(), reference, context),
    stop: async (reference, context) => stopInstance(host(), reference, context),
    start: async (reference, context) => startInstance(host(), reference, context),
    logs: (reference, options, context) => readLogs(host(), reference, options, context),
    listGpuTypes: async (context) => listGpuTypes(host(), context),
    volumes: keptVolumes(host),
  };
}
