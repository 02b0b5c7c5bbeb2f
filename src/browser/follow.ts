import type { ComputeSnapshot, WireEvent } from "../wire.ts";
import { isOver, now, pause, type SessionCore, take, tick, update, wake } from "./core.ts";
import { isBooting, isUsable } from "./phases.ts";
import { isPodReady } from "./pod.ts";
import { ComputeError, request } from "./request.ts";

const TOUCH_MILLISECONDS = 60_000;

/** One run of following a compute. */
interface Run {
  readonly core: SessionCore;
  events?: EventSource | undefined;
  /** The times of the next read and the next touch. */
  readAt: number;
  touchAt: number;
  /** True when the user did something in the page since the last touch. */
  isUsed: boolean;
}

/** Keeps the session true until its compute is over or the page closes it: events, reads, probes of the pod, touches. */
export async function follow(core: SessionCore): Promise<void> {
  const run: Run = { core, readAt: 0, touchAt: 0, isUsed: true };
  const over = new AbortController();
  watchPage(run, over.signal);
  await Promise.all([count(core), work(run)]);
  over.abort();
  run.events?.close();
}

async function count(core: SessionCore): Promise<void> {
  while (!isOver(core)) {
    await pause(core, 1);
    tick(core);
  }
}

async function work(run: Run): Promise<void> {
  const { core } = run;
  for (let probes = 0; !isOver(core); probes += 1) {
    const { phase } = core.snapshot;
    const boots = isBooting(phase);
    if (!boots) probes = 0;
    await Promise.all([read(run, boots), boots && probe(core), isUsable(phase) && touch(run)]);
    if (!isOver(core)) await pause(core, boots ? Math.min(0.25 * 1.5 ** probes, 3) : 2);
  }
}

/** Reads the compute when that is due, and opens the event stream where none is open. */
async function read(run: Run, boots: boolean): Promise<void> {
  const { core } = run;
  if (now(core) < run.readAt) return;
  const { compute } = core.facts;
  run.readAt = Number.POSITIVE_INFINITY;
  await plane(core, "GET", compute ? `/computes/${compute.id}` : core.path);
  connect(run);
  run.readAt = Math.min(
    run.readAt,
    now(core) + (run.events?.readyState === 1 ? 30_000 : boots ? 2000 : 10_000),
  );
}

/** Sends a request whose answer is the compute. A failure shows in the session. */
async function plane(core: SessionCore, method: string, path: string): Promise<void> {
  const { signal } = core.closing;
  try {
    take(core, await request<ComputeSnapshot>(core.access, method, path, { signal }));
  } catch (error) {
    if (!(error instanceof ComputeError) || signal.aborted) return;
    if (!error.status) update(core, { isOffline: true });
    else if (core.facts.compute && /40[14]/.test(`${error.status}`)) update(core, { isRefused: true, error });
  }
}

function connect(run: Run): void {
  const { access, facts } = run.core;
  if (!access.mayStream || !facts.compute || (run.events && run.events.readyState < 2)) return;
  const events = new EventSource(`${access.baseUrl}/computes/${facts.compute.id}/events`, {
    withCredentials: true,
  });
  for (const type of ["state", "note", "ending-soon"])
    events.addEventListener(type, ({ data }) => hear(run, JSON.parse(data)));
  events.onerror = () => refresh(run);
  run.events = events;
}

function hear(run: Run, { compute, status, data, at }: WireEvent): void {
  const { core } = run;
  if (status === "failed" || data.logs) {
    const lines = [data.message ?? "The boot failed.", data.logs ?? []].flat();
    update(core, { error: new ComputeError("BOOT_FAILED", lines.join("\n")) });
  }
  if (compute) take(core, compute);
  else if (`${core.facts.compute?.now}` < at) refresh(run);
  wake(core);
}

function refresh(run: Run): void {
  run.readAt = 0;
  wake(run.core);
}

async function probe(core: SessionCore): Promise<void> {
  const { compute, hasAnswered } = core.facts;
  if (!compute || hasAnswered || !(await isPodReady(core.access.fetch, compute, core.closing.signal))) return;
  if (core.facts.compute?.id === compute.id) update(core, { hasAnswered: true });
}

async function touch(run: Run): Promise<void> {
  const { core } = run;
  const isSeen = typeof document !== "undefined" && !document.hidden;
  if (!run.isUsed || !isSeen || now(core) < run.touchAt) return;
  run.isUsed = false;
  run.touchAt = now(core) + TOUCH_MILLISECONDS;
  await plane(core, "POST", `/computes/${core.facts.compute?.id}/touch`);
}

/** Hears of use, and of a page that comes back to life: its connections may be dead without saying so. */
function watchPage(run: Run, signal: AbortSignal): void {
  if (typeof window === "undefined") return;
  const on = (names: string, listener: () => void): void => {
    for (const name of names.split(" "))
      window.addEventListener(name, listener, { signal, capture: true, passive: true });
  };
  on("pointerdown keydown wheel", () => {
    run.isUsed = true;
  });
  on("online pageshow visibilitychange", () => document.hidden || refresh(run));
  // A page with an open stream could not enter the back/forward cache.
  on("pagehide", () => run.events?.close());
}
