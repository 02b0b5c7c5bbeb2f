/** The clocks: that of this machine against those of the providers and of the database. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { duration } from "../text.ts";
import { check, type Finding } from "./finding.ts";

const WARNING_SECONDS = 5;
const PROBLEM_SECONDS = 30;
/** The channel on which Node's own fetch tells the head of each answer. */
const CHANNEL = "undici:request:headers";

/** The difference of another clock to this machine's, as the dates of its answers tell it. */
interface Seen {
  readonly origin: string;
  /** Seconds that the other clock is ahead. */
  readonly aheadSeconds: number;
}

/** Notes the `Date` header of every answer that this process gets, until it is disposed of. It needs no request of its own. */
export class DateWatch implements Disposable {
  readonly #seen = new Map<string, Seen>();
  readonly #onHeaders = (message: unknown): void => this.#note(message);

  constructor() {
    subscribe(CHANNEL, this.#onHeaders);
  }

  /** A finding for each server that told its time. */
  findings(): readonly Finding[] {
    return [...this.#seen.values()].map(({ origin, aheadSeconds }) => clockFinding(origin, aheadSeconds));
  }

  #note(message: unknown): void {
    const { request, response } = Object(message);
    const date = dateOf(Object(response).headers);
    const { origin } = Object(request);
    if (date === undefined || typeof origin !== "string" || URL.parse(origin) === null) return;
    this.#seen.set(origin, { origin, aheadSeconds: (date - Date.now()) / 1000 });
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#onHeaders);
  }
}

/** Judges the difference of a clock. A date of whole seconds and the way of an answer make up to two seconds. */
export function clockFinding(of: string, aheadSeconds: number): Finding {
  const { ok, warning, problem } = check("clock");
  const size = Math.abs(aheadSeconds);
  const words = `this machine's clock is ${duration(size)} ${aheadSeconds > 0 ? "behind" : "ahead of"} that of ${of}`;
  if (size < WARNING_SECONDS) return ok(`this machine's clock agrees with that of ${of}`);
  const advice = "set the clock by NTP (timedatectl set-ntp true): signed URLs and deadlines go by it";
  return size < PROBLEM_SECONDS ? warning(words, advice) : problem(words, advice);
}

/** Reads the date from a list of names and values, as Node tells it: buffers in turn. */
function dateOf(headers: unknown): number | undefined {
  if (!Array.isArray(headers)) return undefined;
  const words = headers.map(String);
  const index = words.findIndex((word, position) => position % 2 === 0 && word.toLowerCase() === "date");
  const time = index < 0 ? Number.NaN : Date.parse(words[index + 1] ?? "");
  return Number.isNaN(time) ? undefined : time;
}
