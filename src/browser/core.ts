import type { ComputeSnapshot } from "../compute-json.ts";
import { isFinal, type PhaseFacts, phaseOf, type SessionPhase } from "./phases.ts";
import { type Access, ComputeError } from "./request.ts";

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

/** The facts that a session collects. The snapshot follows from them and the time. */
export interface SessionFacts extends PhaseFacts {
  /** The pod's last words. */
  readonly lastWords?: string | undefined;
}

/** The state of one session, which the functions of this folder share. */
export interface SessionCore extends Access {
  /** The path of the slot. */
  readonly path: string;
  readonly closing: AbortController;
  readonly listeners: Set<() => void>;
  facts: SessionFacts;
  /** The same object until a field of it changes, as `useSyncExternalStore` requires. */
  snapshot: SessionSnapshot;
  /** The work that is under way, which several callers may wait for. */
  readonly pending: Map<Work, Promise<void>>;
  events?: EventSource;
  /** True while the event stream is known to bring something: one that a proxy holds back opens, too. */
  isHeard?: boolean;
  /** The times of the next read and of the next token. */
  readAt: number;
  renewAt: number;
  /** True when the user did something in the page since the last touch. */
  isUsed: boolean;
}

/** Work of a session that is under way at most once. The caller that begins it gives the wish. */
export type Work = (core: SessionCore, wish?: unknown) => Promise<void>;

/** The phases in words, where the phase itself does not say enough. */
const MESSAGES: Partial<Record<SessionPhase, string>> = {
  placing: "looking for a GPU",
  provisioning: "the machine boots",
  starting: "the server starts",
  "ending-soon": "ends soon",
};

/** The snapshot of a session that has not begun. */
export const EMPTY_SNAPSHOT: SessionSnapshot = snapshotOf({}, 0);

/** The browser's time, in milliseconds. */
export function now({ clock }: SessionCore): number {
  return clock.now().getTime();
}

/** Begins the work, or joins it where it is under way. */
export function once(core: SessionCore, work: Work, wish?: unknown): Promise<void> {
  const { pending } = core;
  const running = pending.get(work) ?? work(core, wish).finally(() => pending.delete(work));
  pending.set(work, running);
  return running;
}

/** Waits for the work. A caller's signal ends that caller's wait, and not the work. */
export function join(
  core: SessionCore,
  work: Work,
  caller?: AbortSignal | null,
  wish?: unknown,
): Promise<void> {
  const signal = until(core, caller);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    signal.onabort = () => reject(signal.reason);
    once(core, work, wish)
      .then(resolve, reject)
      .finally(() => {
        signal.onabort = null;
      });
  });
}

/** A signal of its own that aborts with the session, and with another signal where there is one. */
export function until({ closing }: SessionCore, other?: AbortSignal | null): AbortSignal {
  return AbortSignal.any([closing.signal, other ?? closing.signal]);
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
  const before: SessionFacts = core.facts.compute?.id === compute.id ? core.facts : {};
  if (before.compute && compute.now < before.compute.now) return;
  // By the browser's clock, which may be wrong.
  const local = (time: string | null): number => Date.parse(`${time}`) - Date.parse(compute.now) + now(core);
  core.facts = {
    compute,
    beganAt: local(compute.createdAt),
    endsAt: local(compute.endsAt),
    lastWords: before.lastWords,
    // The answer of an earlier run says nothing about the next one.
    hasAnswered: compute.status !== "stopped" && before.hasAnswered,
  };
  tick(core);
}

/** Derives the snapshot anew, and tells the listeners when it differs. */
export function tick(core: SessionCore): void {
  const next = snapshotOf(core.facts, now(core));
  if (JSON.stringify(next) === JSON.stringify(core.snapshot)) return;
  core.snapshot = next;
  for (const listener of [...core.listeners]) listener();
}

function snapshotOf(facts: SessionFacts, time: number): SessionSnapshot {
  const { compute, endsAt, beganAt = time, lastWords } = facts;
  const phase = phaseOf(facts, time);
  let { error } = facts;
  if (phase === "failed")
    error ??= new ComputeError("BOOT_FAILED", `${lastWords ?? compute?.lastError ?? compute?.reason}`);
  const reason = error?.message ?? compute?.reason;
  return {
    phase,
    compute,
    message: (MESSAGES[phase] ?? phase) + (reason ? `: ${reason}` : ""),
    elapsedSeconds: Math.floor((time - beganAt) / 1000),
    endsAt: endsAt ? new Date(endsAt) : null,
    error,
  };
}
