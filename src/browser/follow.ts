import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireEvent } from "../wire.ts";
import { isOver, now, once, type SessionCore, take, tick, update } from "./core.ts";
import { isBooting, isUsable } from "./phases.ts";
import { pathOf, send } from "./plane.ts";
import { probe } from "./pod.ts";

/** A browser's global object, as far as a session uses it. Elsewhere it has none of this. Declared here, because the package is compiled without the DOM's types. */
interface Page extends Partial<Pick<EventTarget, "addEventListener">> {
  readonly document?: { readonly hidden: boolean };
  readonly EventSource?: typeof EventSource;
}
const page: Page = globalThis as Page;

/** Looks at once, and keeps the session true from now on, until its compute is over or the page closes it. */
export function follow(core: SessionCore): void {
  core.readAt = 0;
  tick(core);
  look(core);
  void once(core, keepTrue);
}

async function keepTrue(core: SessionCore): Promise<void> {
  const life = new AbortController();
  watchPage(core, life.signal);
  while (!isOver(core)) {
    // It rejects when the page closes the session, which ends the loop.
    await core.clock.sleep(1000, core.closing.signal).catch(() => undefined);
    tick(core);
    look(core);
  }
  life.abort();
}

/** Begins what is due. */
function look(core: SessionCore): void {
  if (!isOver(core)) for (const work of [read, probe]) void once(core, work);
}

/** Reads the compute when that is due, or touches it where its user was active in the page. */
async function read(core: SessionCore): Promise<void> {
  if (now(core) < core.readAt) return;
  connect(core);
  const { phase } = core.snapshot;
  core.readAt = now(core) + (core.isHeard ? 30_000 : isBooting(phase) ? 2000 : 10_000);
  const isActive = core.isUsed && isUsable(phase) && page.document?.hidden === false;
  if (isActive) core.isUsed = false;
  const [method, path] = isActive
    ? ["POST", `${pathOf(core)}/touch`]
    : ["GET", core.facts.compute ? pathOf(core) : core.path];
  await show(core, method, path);
}

/** Takes the compute that a request answers. A failure shows in the session. */
export function show(core: SessionCore, method: string, path: string): Promise<void> {
  const answer = send<ComputeSnapshot>(core, method, path);
  return answer.then(
    (compute) => take(core, compute),
    () => undefined,
  );
}

/** Opens the event stream where none is open. One that was refused for good is tried again at the next read. */
export function connect(core: SessionCore): void {
  const { mayStream, baseUrl, facts, events, closing } = core;
  const { EventSource } = page;
  if (
    !mayStream ||
    !EventSource ||
    !facts.compute ||
    closing.signal.aborted ||
    (events && events.readyState < 2)
  )
    return;
  const source = new EventSource(`${baseUrl + pathOf(core)}/events`, { withCredentials: true });
  on(source, "state note report ending-soon", closing.signal, (event) =>
    hear(core, JSON.parse((event as MessageEvent).data)),
  );
  on(source, "error", closing.signal, () => {
    core.isHeard = false;
    // The last event of a compute that is over has its last words; behind it the control plane ends the stream.
    if (isOver(core)) source.close();
    if (source.readyState < 2) follow(core);
  });
  core.events = source;
}

function hear(core: SessionCore, { type, compute, data }: WireEvent): void {
  core.isHeard = true;
  if (data.logs) update(core, { lastWords: [data.message, data.logs].flat().join("\n") });
  if (compute) take(core, compute);
  else if (type !== "report") core.readAt = 0;
  // Also a report says something about the pod, such as that its server listens: ask it now.
  look(core);
}

/** Hears of use, and of a page that comes back to life: its connections may be dead without saying so. */
function watchPage(core: SessionCore, life: AbortSignal): void {
  on(page, "pointerdown keydown wheel", life, () => {
    core.isUsed = true;
  });
  on(page, "online pageshow visibilitychange", life, () => page.document?.hidden || follow(core));
  // A page with an open stream could not enter the back/forward cache.
  on(page, "pagehide", life, () => core.events?.close());
}

function on(target: Page, names: string, signal: AbortSignal, listener: (event: Event) => void): void {
  for (const name of names.split(" "))
    target.addEventListener?.(name, listener, { signal, capture: true, passive: true });
}
