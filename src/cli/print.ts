/** Output on standard output: for people, or for programs with one JSON value a line. */
import { type Column, table } from "./table.ts";
import type { CliWorld } from "./world.ts";

/** The place of the output, and its form. */
export interface Printer {
  readonly world: CliWorld;
  /** True where output is for programs. */
  readonly asJson: boolean;
}

/** Prints one value. */
export function print({ world, asJson }: Printer, value: unknown, text: () => string): void {
  world.stdout(asJson ? `${JSON.stringify(value)}\n` : text());
}

/** Prints values: a line of JSON for each, or a table of all; without any, people read the given sentence. */
export function printTable<Row>(
  printer: Printer,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  none: string,
): void {
  const { world, asJson } = printer;
  if (asJson) for (const row of rows) print(printer, row, String);
  else if (rows.length === 0) world.stderr(`${none}\n`);
  else world.stdout(withTitle(table(rows, columns, world.terminal.columns()), world));
}

/** The table with its titles dimmed. */
function withTitle(text: string, { terminal }: CliWorld): string {
  const end = text.indexOf("\n");
  return `${terminal.paint("dim", text.slice(0, end))}${text.slice(end)}`;
}
