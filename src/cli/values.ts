/** Values of flags, parsed as commander wants them: a wrong one is an error about its flag. */
import { InvalidArgumentError } from "commander";
import { NAMESPACE } from "../internal/names.ts";

/** Collects the values of a flag that may be repeated. */
export function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Checks a namespace. */
export function namespaceOf(text: string): string {
  if (NAMESPACE.test(text)) return text;
  throw new InvalidArgumentError("Use 1 to 20 of a-z and 0-9, beginning with a letter.");
}

const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Parses a time span in seconds, or with a unit: `90`, `90s`, `15m`, `2h`, `1d`. */
export function secondsOf(text: string): number {
  const match = /^(\d{1,9})([smhd]?)$/.exec(text);
  const unit = UNITS[match?.[2] ?? "-"];
  if (match === null || unit === undefined)
    throw new InvalidArgumentError("Write seconds, or a number with s, m, h or d, such as 90, 15m or 2h.");
  return Number(match[1]) * unit;
}

/** Parses a time span, or `never`. */
export function secondsOrNever(text: string): number | null {
  return text === "never" ? null : secondsOf(text);
}

/** Parses a whole number from 0. */
export function wholeOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number.");
  return Number(text);
}

/** Parses a number that is not negative. */
export function numberOf(text: string): number {
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(text)) throw new InvalidArgumentError("Write a number, such as 2.5.");
  return Number(text);
}

/** Parses a port. */
export function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new InvalidArgumentError("Write a port from 1 to 65535.");
  return port;
}
