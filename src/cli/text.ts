/** Texts for people: without control characters, with short times and amounts. */
import { stripVTControlCharacters } from "node:util";

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
/** The least width of a text that is broken into lines. */
const MIN_WRAP = 30;

/** Removes all that a terminal would obey. Log lines, names and messages come from pods and providers, which may be hostile. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[^\P{Cc}\t]|[\u2028\u2029]/gu, " ");
}

/** A time span with its two largest units: `45s`, `3m 10s`, `2h 5m`, `4d 1h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return units(whole, MINUTE, "m", 1, "s");
  if (whole < DAY) return units(whole, HOUR, "h", MINUTE, "m");
  return units(whole, DAY, "d", HOUR, "h");
}

function units(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest > 0 ? ` ${rest}${smallName}` : ""}`;
}

/** The seconds from one time to another. */
export function secondsBetween(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1000;
}

/** US dollars; `-` where they are not known. */
export function dollars(amount: number | null | undefined): string {
  if (amount == null) return "-";
  return `$${amount.toFixed(amount !== 0 && amount < 0.1 ? 4 : 2)}`;
}

/** A number of things: `1 compute`, `2 computes`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Breaks a text into lines of a width, each but the first behind an indent. A word that is longer stays whole. */
export function wrapped(text: string, indent: number, width: number | undefined): string {
  const room = Math.max(MIN_WRAP, (width ?? Number.POSITIVE_INFINITY) - indent);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > room) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
