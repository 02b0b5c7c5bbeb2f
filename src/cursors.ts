/** Cursors: the places of readers that must see every event of a namespace once at least, whatever process they run in. */

/** A claim of a cursor. */
export interface CursorClaim {
  readonly namespace: string;
  /** The reader's name; up to 100 characters. */
  readonly name: string;
  /** Random text that identifies this claim. */
  readonly lease: string;
  readonly leaseSeconds: number;
  /** A new cursor begins behind the last event that is older than this. */
  readonly sinceSeconds: number;
}

/** A cursor that was claimed. */
export interface Cursor {
  /** The id of the last event that was read; "0" before the first. */
  readonly position: string;
  /** The number of failures in a row at the event behind the position. */
  readonly attempts: number;
  /** The store's time of the claim. */
  readonly now: Date;
}

/** A move of a claimed cursor. */
export interface CursorMove extends Pick<CursorClaim, "namespace" | "name" | "lease" | "leaseSeconds"> {
  readonly position: string;
  readonly attempts: number;
  /** Gives the lease back: the next claim may come after that many seconds. Absent: the lease is prolonged. */
  readonly pauseSeconds?: number;
}

/** Cursors that no claim has had for this many days go when a new one begins. */
export const CURSOR_DAYS = 30;
