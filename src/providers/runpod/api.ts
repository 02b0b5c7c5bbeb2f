/** RunPod's REST API, a function for each request. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { type HttpClient, unlessNotFound } from "../../internal/http.ts";
import { describe } from "../../internal/parse.ts";
import {
  cpuCatalogueSchema,
  gpuCatalogueSchema,
  POD_ID,
  type Pod,
  type PodPage,
  podPageSchema,
  podSchema,
  type WireCpuType,
  type WireGpuType,
} from "./wire.ts";

/** The actions that a pod takes. A restart that is repeated restarts the pod again. */
const IS_IDEMPOTENT = { stop: true, start: true, restart: false } as const;

/** An action on a pod. */
export type PodAction = keyof typeof IS_IDEMPOTENT;

/** The part of a log that a stream begins with: its last lines, or the lines after an event. */
export interface LogStart {
  readonly tail: number;
  readonly lastId?: string | undefined;
}

/** The query of a request to the catalogue. */
export type CatalogueQuery = Readonly<Record<string, string | number | undefined>>;

/** Requests to RunPod. A request that reads one pod resolves to `undefined` when RunPod says that the pod does not exist. */
export interface RunpodApi {
  /** Creates one pod, in one attempt. The secrets stay out of every error. */
  createPod(body: object, secrets: readonly string[], context: CallContext): Promise<Pod>;
  pod(id: string, context: CallContext): Promise<Pod | undefined>;
  pods(limit: number, cursor: string | undefined, context: CallContext): Promise<PodPage>;
  /** Deletes the pod. An absent pod is success. */
  deletePod(id: string, context: CallContext): Promise<void>;
  act(id: string, action: PodAction, context: CallContext): Promise<void>;
  /** The text of the pod's log as server-sent events. */
  logs(id: string, start: LogStart, context: CallContext): AsyncIterable<string>;
  gpuTypes(query: CatalogueQuery, context: CallContext): Promise<readonly WireGpuType[]>;
  cpuTypes(query: CatalogueQuery, context: CallContext): Promise<readonly WireCpuType[]>;
}

/** Requests through this client. */
export function createRunpodApi(http: HttpClient): RunpodApi {
  return { ...podRequests(http), ...catalogueRequests(http) };
}

function podRequests(http: HttpClient): Omit<RunpodApi, "gpuTypes" | "cpuTypes"> {
  return {
    createPod: (json, secrets, context) => {
      const request = { method: "POST", path: "/pods", json, idempotent: false, secrets } as const;
      return http.read(request, podSchema, context);
    },
    pod: (id, context) => {
      const request = { method: "GET", path: podPath(id), idempotent: true } as const;
      return unlessNotFound(http.read(request, podSchema, context));
    },
    pods: (limit, cursor, context) => {
      const request = { method: "GET", path: "/pods", query: { limit, cursor }, idempotent: true } as const;
      return http.read(request, podPageSchema, context);
    },
    deletePod: async (id, context) => {
      await unlessNotFound(http.send({ method: "DELETE", path: podPath(id), idempotent: true }, context));
    },
    act: (id, action, context) => {
      const idempotent = IS_IDEMPOTENT[action];
      return http.send(
        { method: "POST", path: `${podPath(id)}/action`, json: { action }, idempotent },
        context,
      );
    },
    logs: (id, { tail, lastId }, context) => {
      const accept = { accept: "text/event-stream" };
      const headers = lastId === undefined ? accept : { ...accept, "last-event-id": lastId };
      const query = { tail: lastId === undefined ? tail : undefined };
      return http.stream(
        { method: "GET", path: `${podPath(id)}/logs`, query, headers, idempotent: true },
        context,
      );
    },
  };
}

function catalogueRequests(http: HttpClient): Pick<RunpodApi, "gpuTypes" | "cpuTypes"> {
  const common = { include: "AVAILABILITY", product: "POD" };
  return {
    gpuTypes: async (query, context) => {
      const request = { method: "GET", path: "/catalog/gpus", query: { ...common, ...query } } as const;
      return (await http.read({ ...request, idempotent: true }, gpuCatalogueSchema, context)).gpus;
    },
    cpuTypes: async (query, context) => {
      const request = { method: "GET", path: "/catalog/cpus", query: { ...common, ...query } } as const;
      return (await http.read({ ...request, idempotent: true }, cpuCatalogueSchema, context)).cpus;
    },
  };
}

/** @throws VALIDATION for an id that no pod has, because such an id could lead to another path. */
function podPath(id: string): string {
  if (POD_ID.test(id)) return `/pods/${id}`;
  const message = `runpod: ${describe(id)} is not the id of a pod: letters, digits and dashes`;
  throw new AtlasError("VALIDATION", message, { provider: "runpod", mayHaveCreated: false });
}
