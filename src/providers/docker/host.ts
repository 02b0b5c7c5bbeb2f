/** The daemon's machine that every operation uses. */
import type { CallContext } from "../../call-context.ts";
import { createDockerApi, type DockerApi } from "./api.ts";
import { connectionOf } from "./connection.ts";
import type { DockerSettings } from "./options.ts";

/** A daemon's machine, and the settings of computes on it. */
export interface Host {
  readonly settings: DockerSettings;
  readonly api: DockerApi;
  /** True when the files of the daemon's machine can be read here. */
  readonly isLocal: boolean;
}

/** Connects at the first call, so that the call that needs a wrong `DOCKER_HOST` throws. */
export function lazyHost(settings: DockerSettings): () => Host {
  let host: Host | undefined;
  return () => {
    if (host !== undefined) return host;
    const connection = connectionOf(settings);
    host = { settings, api: createDockerApi(settings, connection), isLocal: connection.isLocal };
    return host;
  };
}

/** The context of a clean-up, which its caller's end does not end. */
export function cleanUpContext({ requestTimeoutSeconds }: CallContext): CallContext {
  return { signal: AbortSignal.timeout(requestTimeoutSeconds * 1000), requestTimeoutSeconds };
}
