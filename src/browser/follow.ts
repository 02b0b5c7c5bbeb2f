import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireEvent } from "../wire.ts";
import { isOver, now, pause, type SessionCore, take, tick, update, wake } from "./core.ts";
import { isBooting, isUsable } from "./phases.ts";
import { isDenied, send } from "./plane.ts";
import { isPodReady } from "./pod.ts";
import { ComputeError } from "./request.ts";

/** The page of a browser; absent where the hook renders on a server. Declared here, because the package is compiled without the DOM's types. */
declare const document: { readonly hidden: boolean } | undefined;
declare const addEventListener: (name: string, listener: () => void, options: object) => void;

/** Keeps the session true until its compute is over or the page closes it: events, reads, probes of the pod, touches. */
export async function follow(core: SessionCore): Promise<void> {
  const over = new AbortController();
  watchPage(core, over.signal);
  await Promise.all([count(core), work(core)]);
  over.abort();
  core.events?.close();
}

async function count(core: SessionCore): Promise<void> {
  while (!isOver(core)) {
    await pause(core, 1);
    tick(core);
  }
}

async function work(core: SessionCore): Promise<void> {
  for (let probes = 0; !isOver(core); probes += 1) {
    const { phase } = core.snapshot;
    const boots = isBooting(phase);
    if (!boots) probes = 0;
    await Promise.all([read(core, boots), boots && probe(core), isUsable(phase) && touch(core)]);
    if (!isOver(core)) await pause(core, boots ? Math.min(0.25 * 1.5 ** probes, 3) : 2);
  }
}

/** Reads the compute when that is due, and opens the event stream where none is open. */
async function read(core: SessionCore, boots: boolean): Promise<void> {
  if (now(core) < core.readAt) return;
  const { compute } = core.facts;
  core.readAt = now(core) + (core.events?.readyState === 1 ? 30_000 : boots ? 2000 : 10_000);
  await show(core, "GET", compute ? `/computes/${compute.id}` : core.path);
  connect(core);
}

/** Sends a request whose answer is the compute. A failure shows in the session. */
async function show(core: SessionCore, method: string, path: string): Promise<void> {
  try {
    take(core, await send<ComputeSnapshot>(core, method, path));
  } catch (error) {
    if (!(error instanceof ComputeError) || core.closing.signal.aborted) return;
    if (!error.status) update(core, { isOffline: true });
    else if (core.facts.compute && isDenied(error)) update(core, { isRefused: true, error });
  }
}

function connect(core: SessionCore): void {
  const { access, facts, events } = core;
  if (!access.mayStream || !facts.compute || (events && events.readyState < 2)) return;
  const source = new EventSource(`${access.baseUrl}/computes/${facts.compute.id}/events`, {
    withCredentials: true,
  });
  for (const type of ["state", "note", "ending-soon"])
    source.addEventListener(type, (event) => hear(core, JSON.parse((event as MessageEvent).data)));
  // The pod says something while it boots, such as that its server listens: ask it now.
  source.addEventListener("report", () => isBooting(core.snapshot.phase) && wake(core));
  source.onerror = () => refresh(core);
  core.events = source;
}

function hear(core: SessionCore, { compute, status, data, at }: WireEvent): void {
  if (status === "failed" || data.logs) {
    const lines = [data.message ?? "The boot failed.", data.logs ?? []].flat();
    update(core, { error: new ComputeError("BOOT_FAILED", lines.join("\n")) });
  }
  if (compute) take(core, compute);
  else if (`${core.facts.compute?.now}` < at) core.readAt = 0;
  wake(core);
}

/** Looks at once. */
export function refresh(core: SessionCore): void {
  core.readAt = 0;
  wake(core);
}

async function probe(core: SessionCore): Promise<void> {
  const { compute, hasAnswered } = core.facts;
  if (!compute || hasAnswered || !(await isPodReady(core.access.fetch, compute, core.closing.signal))) return;
  if (core.facts.compute?.id === compute.id) update(core, { hasAnswered: true });
}

/** Tells the control plane once a minute that the user is active in the page. */
async function touch(core: SessionCore): Promise<void> {
  if (!core.isUsed || now(core) < core.touchAt || typeof document === "undefined" || document.hidden) return;
  core.isUsed = false;
  core.touchAt = now(core) + 60_000;
  await show(core, "POST", `/computes/${core.facts.compute?.id}/touch`);
}

/** Hears of use, and of a page that comes back to life: its connections may be dead without saying so. */
function watchPage(core: SessionCore, signal: AbortSignal): void {
  if (typeof addEventListener === "undefined") return;
  const on = (names: string, listener: () => void): void => {
    for (const name of names.split(" "))
      addEventListener(name, listener, { signal, capture: true, passive: true });
  };
  on("pointerdown keydown wheel", () => {
    core.isUsed = true;
  });
  on("online pageshow visibilitychange", () => document?.hidden || refresh(core));
  // A page with an open stream could not enter the back/forward cache.
  on("pagehide", () => core.events?.close());
}
