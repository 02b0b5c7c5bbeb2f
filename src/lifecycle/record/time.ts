/** Date arithmetic on the store's times, where `null` stands for never. */

/** A time that many seconds later; `null` stays `null`. */
export function after(time: Date, seconds: number): Date;
export function after(time: Date, seconds: number | null): Date | null;
export function after(time: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(time.getTime() + seconds * 1000);
}

/** The earliest of the times that are set, or `null`. */
export function earliest(...times: readonly (Date | null)[]): Date | null {
  return times.reduce(
    (first, time) => (first === null || (time !== null && time < first) ? time : first),
    null,
  );
}

/** True when a deadline is set and has passed. */
export function isPast(deadline: Date | null, now: Date): boolean {
  return deadline !== null && deadline <= now;
}
