import { READINESS_PATH } from "../internal/readiness.ts";
import type { Port } from "../provider.ts";
import type { ComputeSnapshot } from "../wire.ts";
import { ComputeError } from "./request.ts";

const PROBE_MILLISECONDS = 5000;

/** The port of that number, or the first one that speaks HTTP; `undefined` while its address is not known. */
export function findPort(
  { ports }: ComputeSnapshot,
  wanted?: number,
): (Port & { readonly url: string }) | undefined {
  const port = ports.find(({ internal, protocol }) =>
    wanted === undefined ? protocol === "http" : internal === wanted,
  );
  return port?.url === undefined ? undefined : { ...port, url: port.url };
}

/** The port's URL with this path. @throws ComputeError VALIDATION when the path leads to another origin: the token would leave with it */
export function urlOf(compute: ComputeSnapshot, path: string | URL, wanted?: number): URL {
  const port = findPort(compute, wanted);
  if (port === undefined) throw new ComputeError("VALIDATION", `No address of port ${wanted ?? "http"}.`);
  const base = new URL(port.url);
  const url = new URL(path, `${port.url}/`);
  if (url.origin === base.origin) return url;
  throw new ComputeError("VALIDATION", `${url.origin} is not this compute.`);
}

/** Headers of a request to the pod: the page's own, those without which it does not reach this machine, and the token. */
export function headersOf(
  compute: ComputeSnapshot,
  given: HeadersInit | undefined,
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
  const port = findPort(compute);
  if (port === undefined) return false;
  const init: RequestInit = {
    cache: "no-store",
    credentials: "omit",
    signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MILLISECONDS)]),
    ...(port.headers && { headers: port.headers }),
  };
  try {
    const response = await send(port.url + READINESS_PATH, init);
    const readiness: { computeId?: unknown; status?: unknown } | null = await response
      .json()
      .catch(() => null);
    if (typeof readiness?.computeId === "string")
      return readiness.computeId === compute.id && readiness.status === "ready";
    return response.status < 500 && !response.headers.get("content-type")?.includes("html");
  } catch {
    // Nothing answers yet, or nothing that this page may read.
    return false;
  }
}
