import { READINESS_PATH, type Readiness } from "../internal/readiness.ts";
import type { Port } from "../provider.ts";
import { type SessionCore, until, update } from "./core.ts";
import { isBooting } from "./phases.ts";
import { known } from "./plane.ts";
import { bodyOf, ComputeError } from "./request.ts";

/** A port other than the first one that speaks HTTP. */
export interface PortChoice {
  readonly port?: number | undefined;
}

/** A path of the pod: its URL, and the headers without which a request does not reach this machine. */
export interface PodAddress {
  readonly url: URL;
  readonly headers: Port["headers"] | undefined;
}

/**
 * The address of this path on the wanted port, or on the first one that speaks HTTP.
 * @throws ComputeError VALIDATION where there is no such port, or when the path leads to another origin: the token would leave with it
 */
export function addressOf(core: SessionCore, path: string | URL, wanted?: number): PodAddress {
  const { url: base, headers } =
    known(core).ports.find(({ internal, protocol }) =>
      wanted ? internal === wanted : protocol === "http",
    ) ?? {};
  const url = base && new URL(path, base);
  if (url && url.origin === new URL(base).origin) return { url, headers };
  throw new ComputeError("VALIDATION", `${path} is no address of this compute.`);
}

/** Asks the pod itself whether it is ready, while it boots. */
export async function probe(core: SessionCore): Promise<void> {
  const { compute, hasAnswered } = core.facts;
  if (!compute || hasAnswered || !isBooting(core.snapshot.phase)) return;
  // A failure says that nothing answers yet, or nothing that this page may read.
  const isReady = await hasReadyPod(core, compute.id).catch(() => false);
  if (isReady && core.facts.compute?.id === compute.id) update(core, { hasAnswered: true });
}

/**
 * A guarded pod answers with its own id, which no edge and no stranger knows. Without a guard an answer counts when this page may read it: the
 * pages that an edge shows while a pod boots are HTML, and carry no permission for this origin.
 */
async function hasReadyPod(core: SessionCore, id: string): Promise<boolean> {
  const { fetch } = core;
  const { url, headers } = addressOf(core, READINESS_PATH);
  const signal = until(core, AbortSignal.timeout(5000));
  const response = await fetch(url, { cache: "no-store", headers: { ...headers }, signal });
  const { computeId } = await bodyOf<Readiness>(response);
  if (response.status > 499) return false;
  return computeId ? computeId === id : !/html/.test(`${response.headers.get("content-type")}`);
}
