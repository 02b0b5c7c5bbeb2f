import type { ComputeSnapshot } from "../compute-json.ts";
import { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
import type { Port } from "../provider.ts";
import { ComputeError } from "./request.ts";

const PROBE_MILLISECONDS = 5000;

/** The port of that number, or the first one that speaks HTTP; `undefined` where there is none. */
function findPort({ ports }: ComputeSnapshot, wanted?: number): Port | undefined {
  return ports.find(({ internal, protocol }) => (wanted ? internal === wanted : protocol === "http"));
}

/** The port's URL with this path. @throws ComputeError VALIDATION when the path leads to another origin: the token would leave with it */
export function urlOf(compute: ComputeSnapshot, path: string | URL, wanted?: number): URL {
  const base = findPort(compute, wanted)?.url;
  const url = base && new URL(path, base);
  if (url && url.origin === new URL(base).origin) return url;
  throw new ComputeError("VALIDATION", `${path} is no address of this compute.`);
}

/** Headers of a request to the pod: the page's own, those without which it does not reach this machine, and the token. */
export function headersOf(
  compute: ComputeSnapshot,
  given: RequestInit["headers"],
  token: string | null,
  wanted: number | undefined,
): Headers {
  const headers = new Headers(given);
  const own = { ...findPort(compute, wanted)?.headers, ...(token && { authorization: `Bearer ${token}` }) };
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  return headers;
}

/**
 * Asks the pod itself for its readiness. A guarded pod answers with its own id, which no edge and no stranger knows. Without a guard an
 * answer counts when this page may read it: the pages that an edge shows while a pod boots are HTML, and carry no permission for this origin.
 */
export async function isPodReady(
  send: typeof fetch,
  compute: ComputeSnapshot,
  signal: AbortSignal,
): Promise<boolean> {
  const { url, headers } = findPort(compute) ?? {};
  if (!url) return false;
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MILLISECONDS)]);
  try {
    const response = await send(url + READINESS_PATH, {
      ...{ cache: "no-store", credentials: "omit", signal: timeout },
      headers: { ...headers },
    });
    const readiness = (await response.json().catch(() => ({}))) as Partial<Readiness>;
    if (readiness.computeId) return readiness.computeId === compute.id && readiness.status === "ready";
    return response.status < 500 && !/html/.test(`${response.headers.get("content-type")}`);
  } catch {
    // Nothing answers yet, or nothing that this page may read.
    return false;
  }
}
