import type { Clock } from "../clock.ts";
import { BoundedMap } from "../internal/bounded-map.ts";

/** The most origins that are remembered, so that a flood of invented ones fills no memory. */
const MAX_ORIGINS = 100;
/** The longest origin that is named whole. */
const MAX_LENGTH = 200;
const EVERY_MILLISECONDS = 10_000;
const AGAIN_MILLISECONDS = 3_600_000;

/** Names refused origins in the log: each once an hour, and one line in ten seconds at most, because any caller can invent an origin. */
export class OriginLog {
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #namedAt = new BoundedMap<string, number>(MAX_ORIGINS);
  #lastLine = Number.NEGATIVE_INFINITY;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: (line: string) => void }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Notes that a page of this origin was not allowed to read an answer. */
  note(origin: string): void {
    const now = this.#clock.now().getTime();
    const namedAt = this.#namedAt.get(origin) ?? Number.NEGATIVE_INFINITY;
    if (now - this.#lastLine < EVERY_MILLISECONDS || now - namedAt < AGAIN_MILLISECONDS) return;
    this.#lastLine = now;
    this.#namedAt.set(origin, now);
    const name = JSON.stringify(origin.slice(0, MAX_LENGTH));
    this.#log(
      `A page of ${name} may not read answers: its origin is not listed. List it in the spawn request's origins, in ATLAS_ORIGINS or by --origin.`,
    );
  }
}
