/** Writes the tables of a run between their markers in docs/benchmarks.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { type Figure, lineOf } from "./figures.ts";
import type { Part } from "./parts.ts";

const PATH = "docs/benchmarks.md";

/** The outcome of one part. */
export interface Outcome {
  readonly part: Part;
  readonly figures: readonly Figure[];
  /** The peers and tools that were not there. */
  readonly missing: readonly string[];
  /** The load of the machine before the part began, in processes that wait for a processor. */
  readonly load: number;
  readonly seconds: number;
}

/** The table of a part, with the circumstances of its figures below it. */
export function tableOf({ part, figures, missing, load, seconds }: Outcome): string {
  const heading = [...part.columns, "ratio", "budget"];
  return [
    `| ${heading.join(" | ")} |`,
    `|${"---|".repeat(heading.length)}`,
    ...figures.map(lineOf),
    "",
    ...missing.map((text) => `Not measured: ${text}\n`),
    `_${new Date().toISOString().slice(0, 10)}, ${machine()}, at a load of ${load.toFixed(1)}, in ${seconds.toFixed(0)} s._`,
  ].join("\n");
}

function machine(): string {
  const [processor] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${processor?.model.trim() ?? "processor"}, ${gigabytes} GB, ${process.platform}, Node ${process.versions.node}`;
}

/** Replaces the table of a part, and leaves the others. */
export function writeTable(outcome: Outcome): void {
  writeBetween(outcome.part.name, tableOf(outcome));
}

/** Replaces the table of all budgets, after a run of all parts. */
export function writeBudgets(outcomes: readonly Outcome[]): void {
  const figures = outcomes.flatMap((outcome) =>
    outcome.figures.map((figure) => ({ part: outcome.part, figure })),
  );
  const lines = figures
    .filter(({ figure }) => figure.budget !== undefined)
    .map(({ part, figure }) => lineOf({ ...figure, measured: `${part.name}: ${figure.measured}` }));
  const heading = "| measured | ours | peer | ratio | budget |\n|---|---|---|---|---|";
  writeBetween("budgets", [heading, ...lines].join("\n"));
}

function writeBetween(name: string, table: string): void {
  const text = readFileSync(PATH, "utf8");
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- end of bench ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${PATH} needs a line "${begin}", and a line "${end}" after it.`);
  writeFileSync(PATH, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`);
}
