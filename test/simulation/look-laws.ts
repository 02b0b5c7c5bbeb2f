/** Laws 18 and 19: looks at instances are shared and keep the provider's rate, and a caller that waits keeps a compute alive. */
import type { Budget } from "../../src/provider.ts";
import type { ComputeRecord, NewEvent } from "../../src/store.ts";
import type { Call, Process } from "./process.ts";

/** The side of the looks that the laws judge. */
export interface LookSight {
  /** The store's time. */
  readonly now: () => number;
  readonly lookSeconds: number;
  readonly budget: Budget | undefined;
  /** True for a process that waits for computes and does nothing else. */
  readonly onlyWaits: (process: Process) => boolean;
  /** True once an instance has come to an end by itself, which takes more than one call to prove. */
  readonly isDisturbed: () => boolean;
}

/** The line that an instance logs before it ends by itself. */
export const LAST_LINE = "the program has no memory left";

/** The share of a burst that a look leaves to calls that change something. */
const RESERVED_SHARE = 0.25;
const LOOKS: readonly string[] = ["get", "list", "find"];
/** The seconds in which a program may load after its instance runs. */
const LOADING_SECONDS = 600;

/** The calls that are left of a provider's rate, for one process. */
interface Rate {
  calls: number;
  at: number;
}

/** The invariants of laws 18 and 19. */
export class LookLaws {
  readonly #sight: LookSight;
  readonly #broke: (law: number, what: string) => void;
  readonly #rates = new Map<Process, Rate>();
  /** The last look of each process that waits; absent where more than looks could be needed. */
  readonly #lastLooks = new Map<Process, number>();
  /** For each compute, the last time at which it showed life or a caller waited for it. */
  readonly #signs = new Map<string, number>();

  constructor(sight: LookSight, broke: (law: number, what: string) => void) {
    this.#sight = sight;
    this.#broke = broke;
  }

  /** Judges a call to the provider, when a process makes it. `live` are the live records. */
  sent(process: Process, { method }: Call, live: () => readonly ComputeRecord[]): void {
    this.#keepRate(process, LOOKS.includes(method));
    if (LOOKS.includes(method) && this.#sight.onlyWaits(process)) this.#keepInterval(process, live());
  }

  /** Judges a record that a process has written. */
  wrote(process: Process, before: ComputeRecord | undefined, next: ComputeRecord, event?: NewEvent): void {
    if (before === undefined) return;
    if (this.#isClaim(process, before, next)) this.#keepApart(process, before, next);
    if (next.status === "terminating" && before.status !== "terminating")
      this.#endBegan(process, before, next, event);
    if (isSignOfLife(before, next) || (this.#isClaim(process, before, next) && isLoading(next)))
      this.#signs.set(next.id, next.updatedAt.getTime());
  }

  /** A process never calls more often than the provider's rate allows, and a look leaves a share of the burst to other calls. */
  #keepRate(process: Process, isLook: boolean): void {
    const { budget } = this.#sight;
    if (budget === undefined) return;
    const now = this.#sight.now();
    const { calls, at } = this.#rates.get(process) ?? { calls: budget.burst, at: now };
    const back = ((now - at) * budget.perMinute) / 60_000;
    const left = Math.min(budget.burst, calls + back) - 1;
    this.#rates.set(process, { calls: left, at: now });
    const kept = isLook ? Math.floor(budget.burst * RESERVED_SHARE) : 0;
    if (left < kept - ROUNDING)
      this.#broke(18, `${process.name} calls the provider when ${left.toFixed(1)} calls would be left`);
  }

  /** All computes that a process waits for share one look an interval. What runs may also be looked at when a wait begins. */
  #keepInterval(process: Process, live: readonly ComputeRecord[]): void {
    const now = this.#sight.now();
    const last = this.#lastLooks.get(process);
    const isPlain =
      !this.#sight.isDisturbed() &&
      live.every(({ status }) => status === "provisioning" || status === "pending");
    if (!isPlain) return void this.#lastLooks.delete(process);
    this.#lastLooks.set(process, now);
    const seconds = (now - (last ?? Number.NEGATIVE_INFINITY)) / 1000;
    if (seconds < this.#sight.lookSeconds)
      this.#broke(18, `${process.name} looks again after ${seconds} seconds, for another waiting caller`);
  }

  /** Two processes that wait share their looks at a compute, too. */
  #keepApart(process: Process, { lookedAt }: ComputeRecord, next: ComputeRecord): void {
    if (lookedAt === null || next.lookedAt === null || next.status !== "provisioning") return;
    const seconds = (next.lookedAt.getTime() - lookedAt.getTime()) / 1000;
    if (seconds < this.#sight.lookSeconds / 2)
      this.#broke(18, `${process.name} looks at ${next.id} ${seconds} seconds after another process`);
  }

  #endBegan(process: Process, before: ComputeRecord, next: ComputeRecord, event?: NewEvent): void {
    const { id, reason, idleTimeoutSeconds } = next;
    if (reason === "idle") {
      if (before.status !== "running")
        this.#broke(19, `${process.name} ended ${id} as idle, which is ${before.status}`);
      const seconds = (next.updatedAt.getTime() - (this.#signs.get(id) ?? 0)) / 1000;
      if (seconds < (idleTimeoutSeconds ?? 0))
        this.#broke(19, `${process.name} ended ${id} as idle, which showed life ${seconds} seconds before`);
    }
    if (reason === "failed" && !JSON.stringify(event?.data ?? null).includes(LAST_LINE))
      this.#broke(19, `${process.name} ended ${id} as failed, and its last lines are lost`);
  }

  /** True for a write that notes a look, and nothing that was seen by it. */
  #isClaim(process: Process, before: ComputeRecord, next: ComputeRecord): boolean {
    return (
      this.#sight.onlyWaits(process) &&
      next.status === before.status &&
      next.looks === before.looks + 1 &&
      next.lastError === before.lastError &&
      next.absentSince === before.absentSince
    );
  }
}

/** Far below one call. */
const ROUNDING = 1e-6;

function isSignOfLife(before: ComputeRecord, next: ComputeRecord): boolean {
  return (
    (before.status !== "running" && next.status === "running") ||
    (before.answeredAt === null && next.answeredAt !== null)
  );
}

function isLoading({ status, answeredAt, placedAt, updatedAt }: ComputeRecord): boolean {
  const seconds = (updatedAt.getTime() - (placedAt?.getTime() ?? 0)) / 1000;
  return status === "running" && answeredAt === null && seconds < LOADING_SECONDS;
}
