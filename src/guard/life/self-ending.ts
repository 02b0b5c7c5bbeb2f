/** How a pod ends itself: the means that each provider leaves inside it, as data. */
import { request } from "node:http";
import { userAgent } from "../../internal/user-agent.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What ends things, as functions, so that a test can stand in for the world. */
export interface EndingWorld {
  readonly env: Environment;
  readonly fetch: typeof fetch;
  /** Sends a DELETE over a Unix socket and answers its status. */
  readonly deleteOverSocket: (socketPath: string, path: string) => Promise<number>;
  /** Ends this process and those it started. */
  readonly endProcesses: () => void;
}

/** One provider's means. */
interface Means {
  readonly provider: string;
  /** Variables that the provider sets in its pods. All there: this is one. */
  readonly variables: readonly string[];
  /** Answers the status of its call. */
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
        signal: AbortSignal.timeout(30_000),
      });
      return response.status;
    },
  },
  {
    // Through this socket a machine reaches the Machines API without a token.
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

/** The means of the provider whose variables are set; a local process otherwise. */
function meansIn(env: Environment): Means {
  return MEANS.find(({ variables }) => variables.every((name) => env[name])) ?? LOCAL;
}

/**
 * Asks the provider once to end this pod, and answers why that failed, if it did. Not there any more (404) is
 * failure too: right after a start it only means that the provider has not caught up.
 */
export async function endOnce(world: EndingWorld): Promise<string | undefined> {
  const { provider, end } = meansIn(world.env);
  try {
    const status = await end(world);
    return status < 300 ? undefined : `${provider} answered ${status}`;
  } catch (error) {
    return `${provider}: ${error instanceof Error ? error.name : "no connection"}`;
  }
}

/** Ends this process and its whole group, which is all of a local pod: kindly, and after half a minute for good. */
export function endProcessGroup(): void {
  process.kill(0, "SIGTERM");
  setTimeout(() => process.kill(0, "SIGKILL"), 30_000).unref();
}

/** A DELETE over a Unix socket. */
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
