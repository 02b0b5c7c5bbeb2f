/** Notes that expire, in memory. */
import { ACCOUNT_NOTE, MAX_SWEPT_NOTES, type Note } from "../../store.ts";

/** The notes of one store. */
export class MemoryNotes {
  readonly #notes = new Map<string, Pick<Note, "name" | "value"> & { readonly expiresAt: number }>();

  /** Forgets the notes of accounts. */
  forgetAccounts(): void {
    for (const [key, { name }] of this.#notes) if (name.startsWith(ACCOUNT_NOTE)) this.#notes.delete(key);
  }

  /** See `Store.remember`. */
  remember({ namespace, name, value, seconds }: Note, now: Date): string {
    const expired = [...this.#notes].filter(([, { expiresAt }]) => expiresAt <= now.getTime());
    for (const [key] of expired.slice(0, MAX_SWEPT_NOTES)) this.#notes.delete(key);
    const key = JSON.stringify([namespace, name]);
    const kept = this.#notes.get(key);
    if (kept !== undefined && kept.expiresAt > now.getTime()) return kept.value;
    this.#notes.set(key, { name, value, expiresAt: now.getTime() + seconds * 1000 });
    return value;
  }
}
