/** The means by which a pod ends itself, one for each provider, as data. */
import { request } from "node:http";
import { userAgent } from "../../internal/user-agent.ts";

/** The environment variables of a process. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** The effects of ending a pod, as functions that a test can replace. */
export interface EndingWorld {
  readonly env: EnvironmentVariables;
  readonly fetch: typeof fetch;
  /** Sends a DELETE over a Unix socket and resolves with the status of the answer. */
  readonly deleteOverSocket: (socketPath: string, path: string) => Promise<number>;
  /** Ends this process and its children. */
  readonly endProcesses: () => void;
}

/** The means of one provider. */
interface Means {
  readonly provider: string;
  /** Variables that the provider sets in its pods. A pod that has all of them belongs to this provider. */
  readonly variables: readonly string[];
  /** Asks the provider to end the pod and resolves with the status of the answer. */
  readonly end: (world: EndingWorld) => Promise<number>;
}

const MEANS: readonly Means[] = [
  {
    // The key inside a pod is scoped to that pod.
    provider: "runpod",
    variables: ["RUNPOD_POD_ID", "RUNPOD_API_KEY"],
    end: async ({ env, fetch }) => {
      const response = await fetch(`https://api.runpod.io/v2/pods/${segment(env.RUNPOD_POD_ID)}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${env.RUNPOD_API_KEY}`, "user-agent": userAgent },
        redirect: "manual",
        signal: AbortSignal.timeout(30_000),
      });
      return response.status;
    },
  },
  {
    // This socket gives a machine access to the Machines API without a token.
    provider: "fly",
    variables: ["FLY_APP_NAME", "FLY_MACHINE_ID"],
    end: ({ env, deleteOverSocket }) =>
      deleteOverSocket(
        "/.fly/api",
        `/v1/apps/${segment(env.FLY_APP_NAME)}/machines/${segment(env.FLY_MACHINE_ID)}?force=true`,
      ),
  },
];

const LOCAL: Means = {
  provider: "local",
  variables: [],
  end: async ({ endProcesses }) => {
    endProcesses();
    return 204;
  },
};

/** Finds the means of the provider that has set its variables; without one the pod is a local process. */
function meansIn(env: EnvironmentVariables): Means {
  return MEANS.find(({ variables }) => variables.every((name) => env[name])) ?? LOCAL;
}

/**
 * Asks the provider once to end this pod. Resolves with the reason of a failure, or `undefined`. A 404 is a failure too: right
 * after a start the provider may not know the pod yet.
 */
export async function endOnce(world: EndingWorld): Promise<string | undefined> {
  const { provider, end } = meansIn(world.env);
  try {
    const status = await end(world);
    return status >= 200 && status < 300 ? undefined : `${provider} answered ${status}`;
  } catch (error) {
    return `${provider}: ${error instanceof Error ? error.name : "no connection"}`;
  }
}

/** Ends this process and its group, which is all of a local pod: SIGTERM, then SIGKILL after 30 s. */
export function endProcessGroup(): void {
  process.kill(0, "SIGTERM");
  setTimeout(() => process.kill(0, "SIGKILL"), 30_000).unref();
}

/** Sends a DELETE over a Unix socket and resolves with the status of the answer. */
export function deleteOverSocket(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path, method: "DELETE", headers: { host: "_api.internal" } },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.setTimeout(30_000, () => call.destroy(new Error("timed out")));
    call.on("error", reject).end();
  });
}

function segment(value: string | undefined): string {
  return encodeURIComponent(value ?? "");
}
