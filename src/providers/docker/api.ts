/** The Engine API, a function for each request. Its paths have no version, so that the daemon answers in its own. */
import type { CallContext } from "../../call-context.ts";
import { AtlasError, isAtlasError, withFacts } from "../../errors.ts";
import { createHttpClient, type HttpClient, type HttpRequest, unlessNotFound } from "../../internal/http.ts";
import type { Connection } from "./connection.ts";
import type { DockerSettings } from "./options.ts";
import { classifyRefusal } from "./refusals.ts";
import {
  anyAnswer,
  type Container,
  type ContainerBody,
  containerAnswer,
  containerListAnswer,
  createdAnswer,
  type Info,
  infoAnswer,
  type ListedContainer,
  type ListedVolume,
  volumeListAnswer,
} from "./wire.ts";

/** The conditions that a list filters by. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** The log lines to read. */
export interface LogQuery {
  readonly tail: number;
  readonly follow: boolean;
}

/** An image to download, and the credentials for it. */
export interface PullQuery {
  readonly repository: string;
  readonly tag: string;
  readonly auth: string | undefined;
  /** Texts that must not appear in an error. */
  readonly secrets: readonly string[];
  readonly timeoutSeconds: number;
}

/** Requests to the daemon. A request that reads one thing resolves to `undefined` when the daemon says that it does not exist. */
export interface DockerApi {
  info(context: CallContext): Promise<Info>;
  /** Creates a container and returns its id. @throws CONFLICT with the `providerId` of the container that has the name */
  createContainer(
    name: string,
    body: ContainerBody,
    secrets: readonly string[],
    context: CallContext,
  ): Promise<string>;
  container(id: string, context: CallContext): Promise<Container | undefined>;
  containers(filters: Filters, context: CallContext): Promise<readonly ListedContainer[]>;
  /** Starts the container. One that runs is success. */
  start(id: string, context: CallContext): Promise<void>;
  /** Stops the container. One that is stopped is success. */
  stop(id: string, context: CallContext): Promise<void>;
  /** Sets the restart policy, which a container keeps until it is set again. */
  setRestartPolicy(id: string, policy: "no" | "unless-stopped", context: CallContext): Promise<void>;
  /** Removes the container, even a running one, with its unnamed volumes. An absent container is success. */
  removeContainer(id: string, context: CallContext): Promise<void>;
  hasImage(image: string, context: CallContext): Promise<boolean>;
  /** The progress of a download, as lines of JSON. */
  pull(query: PullQuery, context: CallContext): AsyncIterable<string>;
  logs(id: string, query: LogQuery, context: CallContext): AsyncIterable<Uint8Array>;
  hasVolume(name: string, context: CallContext): Promise<boolean>;
  volumes(filters: Filters, context: CallContext): Promise<readonly ListedVolume[]>;
  /** Removes the volume. An absent one is success. @throws CONFLICT while a container uses it */
  removeVolume(name: string, context: CallContext): Promise<void>;
}

const STOP_SECONDS = 10;

const read = (path: string, query: HttpRequest["query"] = {}): HttpRequest => ({
  method: "GET",
  path,
  query,
  idempotent: true,
});
const containerPath = (id: string): string => `/containers/${encodeURIComponent(id)}`;

/** Makes requests to this daemon. */
export function createDockerApi({ clock }: DockerSettings, connection: Connection): DockerApi {
  const { baseUrl, fetch } = connection;
  const http = createHttpClient({
    provider: "docker",
    baseUrl,
    headers: () => ({}),
    classify: classifyRefusal,
    fetch,
    clock,
  });
  return {
    info: (context) => http.read(read("/info"), infoAnswer, context).catch(withHint(connection)),
    ...containerRequests(http),
    ...powerRequests(http),
    ...imageRequests(http),
    ...volumeRequests(http),
  };
}

/** Adds to the error of a daemon that does not answer the remedy. */
function withHint({ name }: Connection): (error: unknown) => never {
  return (error) => {
    if (!isAtlasError(error) || error.code !== "TRANSPORT") throw error;
    const hint = `no daemon answers at ${name}: start it, let this user access its socket, or set DOCKER_HOST`;
    throw withFacts(error, { mayHaveCreated: false }, `${error.message}; ${hint}`);
  };
}

function containerRequests(
  http: HttpClient,
): Pick<DockerApi, "createContainer" | "container" | "containers" | "removeContainer" | "logs"> {
  return {
    createContainer: async (name, json, secrets, context) => {
      const request = { method: "POST", path: "/containers/create", query: { name }, json, secrets } as const;
      return (await http.read({ ...request, idempotent: false }, createdAnswer, context)).Id;
    },
    container: (id, context) =>
      unlessNotFound(http.read(read(`${containerPath(id)}/json`), containerAnswer, context)),
    containers: (filters, context) => {
      const query = { all: true, filters: JSON.stringify(filters) };
      return http.read(read("/containers/json", query), containerListAnswer, context);
    },
    removeContainer: async (id, context) => {
      const query = { force: true, v: true };
      const request = { method: "DELETE", path: containerPath(id), query, idempotent: true } as const;
      await unlessRemoving(unlessNotFound(http.send(request, context)));
    },
    logs: (id, { tail, follow }, context) => {
      const query = { stdout: true, stderr: true, timestamps: true, follow, tail };
      return http.streamBytes(read(`${containerPath(id)}/logs`, query), context);
    },
  };
}

function powerRequests(http: HttpClient): Pick<DockerApi, "start" | "stop" | "setRestartPolicy"> {
  // The daemon refuses with 500 what it will refuse again, so that only the caller knows whether a repeat helps.
  const act = (
    id: string,
    action: string,
    facts: Partial<HttpRequest>,
    context: CallContext,
  ): Promise<void> =>
    http.send(
      { method: "POST", path: `${containerPath(id)}/${action}`, idempotent: false, ...facts },
      context,
    );
  return {
    start: (id, context) => unlessUnchanged(act(id, "start", {}, context)),
    stop: (id, context) => unlessUnchanged(act(id, "stop", { query: { t: STOP_SECONDS } }, context)),
    setRestartPolicy: (id, policy, context) =>
      act(id, "update", { json: { RestartPolicy: { Name: policy } } }, context),
  };
}

function imageRequests(http: HttpClient): Pick<DockerApi, "hasImage" | "pull"> {
  return {
    hasImage: async (image, context) => {
      const found = await unlessNotFound(http.read(read(`/images/${image}/json`), anyAnswer, context));
      return found !== undefined;
    },
    pull: ({ repository, tag, auth, secrets, timeoutSeconds }, context) => {
      const query = { fromImage: repository, tag };
      const headers = auth === undefined ? {} : { "x-registry-auth": auth };
      const request = { method: "POST", path: "/images/create", query, headers, secrets } as const;
      return http.stream({ ...request, timeoutSeconds, idempotent: false }, context);
    },
  };
}

function volumeRequests(http: HttpClient): Pick<DockerApi, "hasVolume" | "volumes" | "removeVolume"> {
  const path = (name: string): string => `/volumes/${encodeURIComponent(name)}`;
  return {
    hasVolume: async (name, context) =>
      (await unlessNotFound(http.read(read(path(name)), anyAnswer, context))) !== undefined,
    volumes: async (filters, context) => {
      const query = { filters: JSON.stringify(filters) };
      return (await http.read(read("/volumes", query), volumeListAnswer, context)).Volumes ?? [];
    },
    removeVolume: async (name, context) => {
      const request = { method: "DELETE", path: path(name), idempotent: true } as const;
      await unlessNotFound(http.send(request, context));
    },
  };
}

/** Takes 304, the daemon's word for an action that changed nothing, as success. */
async function unlessUnchanged(action: Promise<void>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!(isAtlasError(error) && error.status === 304)) throw error;
  }
}

/** Takes the refusal of a removal that is under way already as success. */
async function unlessRemoving(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const isUnderWay =
      error instanceof AtlasError && error.status === 409 && /in progress/.test(error.message);
    if (!isUnderWay) throw error;
  }
}
