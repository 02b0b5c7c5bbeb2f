/** What happened in a run, counted. */
import type { WorkerMessage, WorkerOperation } from "./messages.ts";

type Counts = Record<string, number>;

/** The outcomes of what the workers did, by operation. */
export class Figures {
  readonly outcomes: Readonly<Record<WorkerOperation, Counts>> = {
    spawn: {},
    touch: {},
    terminate: {},
    reap: {},
  };

  count({ operation, outcome }: Extract<WorkerMessage, { kind: "done" }>): void {
    const counts = this.outcomes[operation];
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }

  total(operation: WorkerOperation): number {
    return sum(this.outcomes[operation]);
  }
}

/** How often each is there. */
export function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...Map.groupBy(names, (name) => name)].map(([name, { length }]) => [name, length]),
  );
}

/** The sum of counts. */
export function sum(counts: Readonly<Partial<Record<string, number>>>): number {
  return Object.values(counts).reduce<number>((total, count = 0) => total + count, 0);
}

/** Counts in words, the greatest first, behind their sum: `1,204: ok 800, CAPACITY 404`. */
export function inWords(counts: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(counts)
    .toSorted(([, one = 0], [, other = 0]) => other - one)
    .map(([name, count = 0]) => `${name} ${count.toLocaleString("en")}`);
  return `${sum(counts).toLocaleString("en")}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}
