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
export interface SessionCore {
  readonly access: Access;
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
  events?: EventSource;
  /** The times of the last new token, of the next read and of the next touch. */
  renewedAt: number;
  readAt: number;
  touchAt: number;
  /** True when the user did something in the page since the last touch. */
  isUsed: boolean;
  /** True while the session is kept true. */
  isFollowing: boolean;
  /** Keeps the session true from now on, and looks at once. */
  follow(): void;
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
export function now({ access }: SessionCore): number {
  return access.clock.now().getTime();
}

/** Waits, at most until the next {@link wake}. */
export async function pause({ access, cut }: SessionCore, seconds: number): Promise<void> {
  await access.clock.sleep(seconds * 1000, cut.signal).catch(() => cut.signal.aborted);
}

/** Ends every pause now. */
export function wake(core: SessionCore): void {
  core.cut.abort();
  core.cut = new AbortController();
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

/** Begins to ask for a compute. */
export function begin(core: SessionCore): void {
  core.beganAt = now(core);
  core.facts = { isOpening: true };
  tick(core);
}

/** Takes a compute as the control plane answered it, unless a later answer is known already. */
export function take(core: SessionCore, compute: ComputeSnapshot): void {
  const { compute: known, hasAnswered = false, error } = core.facts;
  if (known?.id === compute.id && compute.now < known.now) return;
  core.skew = Date.parse(compute.now) - now(core);
  core.beganAt = Date.parse(compute.createdAt) - core.skew;
  // The answer of an earlier run says nothing about this one.
  const isSameRun = /^(provisioning|running)$/.test(compute.status) && known?.status !== "stopped";
  core.facts = { compute, error, hasAnswered: hasAnswered && isSameRun };
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
  for (const listener of [...core.listeners]) listener();
}
