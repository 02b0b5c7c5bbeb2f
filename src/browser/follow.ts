import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireEvent } from "../wire.ts";
import { isOver, now, pause, type SessionCore, take, tick, update, wake } from "./core.ts";
import { isBooting, isUsable } from "./phases.ts";
import { isDenied, send } from "./plane.ts";
import { isPodReady } from "./pod.ts";
import { ComputeError } from "./request.ts";

/** The page of a browser; absent where the hook renders on a server. Declared here, because the package is compiled without the DOM's types. */
declare const document: { readonly hidden: boolean } | undefined;
declare const window: EventTarget | undefined;

/** Keeps the session true from now on, until its compute is over or the page closes it. Looks at once. */
export function follow(core: SessionCore): void {
  refresh(core);
  if (core.life || isOver(core)) return;
  core.life = new AbortController();
  watchPage(core, core.life.signal);
  for (const task of [count, read, probe, touch]) void repeat(core, core.life.signal, task);
}

/** A part of the work. @returns the seconds until its next turn, which comes sooner when something wakes the session */
type Task = (core: SessionCore) => number | Promise<number>;

async function repeat(core: SessionCore, life: AbortSignal, task: Task): Promise<void> {
  while (!life.aborted) await pause(core, await task(core));
}

function count(core: SessionCore): number {
  tick(core);
  return 1;
}

/** Reads the compute when that is due, and opens the event stream where none is open. */
async function read(core: SessionCore): Promise<number> {
  if (now(core) >= core.readAt) {
    const { compute } = core.facts;
    const isTold = core.isHeard && core.events?.readyState === 1;
    core.readAt = now(core) + (isTold ? 30_000 : isBooting(core.snapshot.phase) ? 2000 : 10_000);
    await show(core, "GET", compute ? `/computes/${compute.id}` : core.path);
    connect(core);
  }
  return (core.readAt - now(core)) / 1000;
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
  const { mayStream, baseUrl, facts, events, life } = core;
  if (!mayStream || !facts.compute || !life || (events && events.readyState < 2)) return;
  const source = new EventSource(`${baseUrl}/computes/${facts.compute.id}/events`, { withCredentials: true });
  on(source, "state note report ending-soon", life.signal, (event) =>
    hear(core, JSON.parse((event as MessageEvent).data)),
  );
  // A stream that was refused for good is tried again at the next read.
  on(source, "error", life.signal, () => source.readyState < 2 && refresh(core));
  core.isHeard = false;
  core.events = source;
}

function hear(core: SessionCore, { type, compute, status, data, at }: WireEvent): void {
  core.isHeard = true;
  if (status === "failed" || data.logs) {
    const lines = [data.message ?? "The boot failed.", data.logs ?? []].flat();
    update(core, { error: new ComputeError("BOOT_FAILED", lines.join("\n")) });
  }
  if (compute) take(core, compute);
  else if (type !== "report" && `${core.facts.compute?.now}` < at) core.readAt = 0;
  // Also a report says something about the pod, such as that its server listens: ask it now.
  wake(core);
}

/** Looks at once. */
function refresh(core: SessionCore): void {
  core.readAt = 0;
  wake(core);
}

async function probe(core: SessionCore): Promise<number> {
  const { compute, hasAnswered } = core.facts;
  const boots = isBooting(core.snapshot.phase);
  const asks = boots && compute && !hasAnswered;
  if (asks && (await isPodReady(core.fetch, compute, core.closing.signal)))
    if (core.facts.compute?.id === compute.id) update(core, { hasAnswered: true });
  core.probes = boots ? core.probes + 1 : 0;
  return boots ? Math.min(0.25 * 1.5 ** core.probes, 3) : 2;
}

/** Tells the control plane once a minute that the user is active in the page. */
async function touch(core: SessionCore): Promise<number> {
  if (!core.isUsed || !isUsable(core.snapshot.phase) || typeof document === "undefined" || document.hidden)
    return 2;
  core.isUsed = false;
  await show(core, "POST", `/computes/${core.facts.compute?.id}/touch`);
  return 60;
}

/** Hears of use, and of a page that comes back to life: its connections may be dead without saying so. */
function watchPage(core: SessionCore, life: AbortSignal): void {
  if (typeof window === "undefined") return;
  on(window, "pointerdown keydown wheel", life, () => {
    core.isUsed = true;
  });
  on(window, "online pageshow visibilitychange", life, () => document?.hidden || refresh(core));
  // A page with an open stream could not enter the back/forward cache.
  on(window, "pagehide", life, () => core.events?.close());
}

function on(
  target: Pick<EventTarget, "addEventListener">,
  names: string,
  signal: AbortSignal,
  listener: (event: Event) => void,
): void {
  for (const name of names.split(" "))
    target.addEventListener(name, listener, { signal, capture: true, passive: true });
}
