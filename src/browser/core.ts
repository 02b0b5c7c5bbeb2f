import type { ComputeSnapshot } from "../compute-json.ts";
import { isFinal, type PhaseFacts, phaseOf, type SessionPhase } from "./phases.ts";
import type { Access, ComputeError } from "./request.ts";
import type { TokenStorage } from "./tokens.ts";

/** A session at one moment. */
export interface SessionSnapshot {
  readonly phase: SessionPhase;
  /** The compute as the control plane answered it last; absent before it is known. */
  readonly compute: ComputeSnapshot | undefined;
  /** The phase in words for a person. */
  readonly message: string;
  /** Whole seconds since the compute was asked for. */
  readonly elapsedSeconds: number;
  /** The planned end, by the clock of this browser; null while none is planned. */
  readonly endsAt: Date | null;
  /** The failure of the latest compute; absent while all is well. */
  readonly error: ComputeError | undefined;
}

/** The facts that a session collects. */
export interface SessionFacts extends PhaseFacts {
  readonly error?: ComputeError | undefined;
}

/** The state of one session, which the functions of this folder share. */
export interface SessionCore extends Access {
  readonly tokens: TokenStorage;
  /** The path of the slot. */
  readonly path: string;
  readonly closing: AbortController;
  readonly listeners: Set<() => void>;
  facts: SessionFacts;
  /** The same object until a field of it changes, as `useSyncExternalStore` requires. */
  snapshot: SessionSnapshot;
  /** The browser's time at which the compute was asked for, in milliseconds. */
  beganAt: number;
  /** The store's clock minus the browser's, in milliseconds. */
  skew: number;
  /** Ends the present pauses. */
  cut: AbortController;
  /** Aborts when the session is kept true no longer; absent while it rests. */
  life?: AbortController | undefined;
  /** The work that is under way, which several callers may wait for. */
  readonly pending: Partial<Record<"find" | "place" | "ready" | "renew", Promise<void> | undefined>>;
  events?: EventSource;
  /** True after the present event stream has brought something: one that a proxy holds back opens, too. */
  isHeard: boolean;
  /** The number of times that the pod was asked for its readiness in this boot. */
  probes: number;
  /** The times of the last new token and of the next read. */
  renewedAt: number;
  readAt: number;
  /** True when the user did something in the page since the last touch. */
  isUsed: boolean;
}

/** The phases in words, where the phase itself does not say enough. */
const MESSAGES: Partial<Record<SessionPhase, string>> = {
  placing: "looking for a GPU",
  provisioning: "the machine boots",
  starting: "the server starts",
  "ending-soon": "ends soon",
  stopped: "paused",
  offline: "offline, trying again",
};

/** The snapshot of a session that has not begun. */
export const EMPTY_SNAPSHOT: SessionSnapshot = {
  phase: "none",
  compute: undefined,
  message: "none",
  elapsedSeconds: 0,
  endsAt: null,
  error: undefined,
};

/** The browser's time, in milliseconds. */
export function now({ clock }: SessionCore): number {
  return clock.now().getTime();
}

/** Waits, at most until the next {@link wake}. */
export async function pause({ clock, cut }: SessionCore, seconds: number): Promise<void> {
  await clock.sleep(seconds * 1000, cut.signal).catch(() => cut.signal.aborted);
}

/** Ends every pause now. */
export function wake(core: SessionCore): void {
  core.cut.abort();
  core.cut = new AbortController();
}

/** Stops keeping the session true: no timer, listener or stream stays behind. */
export function rest(core: SessionCore): void {
  core.life?.abort();
  core.life = undefined;
  core.events?.close();
  wake(core);
}

/** Joins the work of that name, or begins it where none is under way. A caller's signal ends that caller's wait, and not the work. */
export function join(
  { closing, pending }: SessionCore,
  name: keyof SessionCore["pending"],
  begin: () => Promise<void>,
  caller?: AbortSignal | null,
): Promise<void> {
  const signal = AbortSignal.any([closing.signal, caller ?? closing.signal]);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    pending[name] ??= begin().finally(() => {
      pending[name] = undefined;
    });
    pending[name].then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** True where a compute is known that is not over. */
export function isLive(core: SessionCore): boolean {
  return !!core.facts.compute && !isOver(core);
}

/** True when nothing more is expected of the compute. */
export function isOver({ closing, snapshot }: SessionCore): boolean {
  return closing.signal.aborted || isFinal(snapshot.phase);
}

/** Takes new facts. */
export function update(core: SessionCore, facts: SessionFacts): void {
  core.facts = { ...core.facts, ...facts };
  tick(core);
}

/** Takes a compute as the control plane answered it, unless a later answer is known already. */
export function take(core: SessionCore, compute: ComputeSnapshot): void {
  const { compute: known, hasAnswered = false, error } = core.facts;
  if (known?.id === compute.id && compute.now < known.now) return;
  core.skew = Date.parse(compute.now) - now(core);
  core.beganAt = Date.parse(compute.createdAt) - core.skew;
  core.facts = {
    compute,
    error: known?.id === compute.id ? error : undefined,
    // The answer of an earlier run says nothing about the next one.
    hasAnswered: hasAnswered && /^(provisioning|running)$/.test(compute.status),
  };
  tick(core);
}

/** Derives the snapshot anew, and tells the listeners when it differs. */
export function tick(core: SessionCore): void {
  const { compute, error } = core.facts;
  const endsAt = compute?.endsAt ? new Date(Date.parse(compute.endsAt) - core.skew) : null;
  const phase = phaseOf(core.facts, endsAt ? endsAt.getTime() - now(core) : undefined);
  const elapsedSeconds = Math.max(0, Math.floor((now(core) - core.beganAt) / 1000));
  const reason = isFinal(phase) && (error?.message ?? compute?.reason);
  const message = (MESSAGES[phase] ?? phase) + (reason ? `: ${reason}` : "");
  const next = { phase, compute, message, elapsedSeconds, endsAt, error };
  if (JSON.stringify(next) === JSON.stringify(core.snapshot)) return;
  core.snapshot = next;
  if (isOver(core)) rest(core);
  for (const listener of [...core.listeners]) listener();
}
