/** The cursors of one namespace in memory. */
import { CURSOR_DAYS, type Cursor, type CursorClaim, type CursorMove } from "../../store.ts";

interface Kept {
  readonly position: string;
  readonly attempts: number;
  readonly lease: string | null;
  readonly freeAt: number;
}

/** Cursors by name. */
export class MemoryCursors {
  readonly #cursors = new Map<string, Kept>();

  /** See `Store.claimCursor`. */
  claim(claim: CursorClaim, now: Date, lastBefore: (time: Date) => string): Cursor | undefined {
    const { name, lease, leaseSeconds, sinceSeconds } = claim;
    const time = now.getTime();
    const kept =
      this.#cursors.get(name) ?? this.#begin(time, lastBefore(new Date(time - sinceSeconds * 1000)));
    if (kept.freeAt > time) return undefined;
    this.#cursors.set(name, { ...kept, lease, freeAt: time + leaseSeconds * 1000 });
    return { position: kept.position, attempts: kept.attempts, now };
  }

  /** See `Store.moveCursor`. */
  move({ name, lease, position, attempts, pauseSeconds, leaseSeconds }: CursorMove, now: Date): boolean {
    if (this.#cursors.get(name)?.lease !== lease) return false;
    const freeAt = now.getTime() + (pauseSeconds ?? leaseSeconds) * 1000;
    this.#cursors.set(name, { position, attempts, lease: pauseSeconds === undefined ? lease : null, freeAt });
    return true;
  }

  #begin(time: number, position: string): Kept {
    const oldest = time - CURSOR_DAYS * 86_400_000;
    for (const [name, { freeAt }] of this.#cursors) if (freeAt < oldest) this.#cursors.delete(name);
    return { position, attempts: 0, lease: null, freeAt: time };
  }
}
