/** Tables that fit the terminal: less important columns go first, then the widest cell is cut. */
import stringWidth from "string-width";
import { plain } from "./text.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** The columns with the highest number go first where the terminal is too narrow. @default 0, which never goes */
  readonly order?: number;
}

const GAP = "  ";
const MIN_CUT_WIDTH = 8;

/** Renders a table. Without a width, as for a file, nothing is left out. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number | undefined,
): string {
  const shown = fitting(rows, columns, width ?? Number.POSITIVE_INFINITY);
  const lines = [shown.map(({ title }) => title), ...rows.map((row) => cellsOf(row, shown))];
  const widths = cut(widthsOf(lines), width ?? Number.POSITIVE_INFINITY);
  return lines.map((line) => `${toLine(line, widths)}\n`).join("");
}

/** Renders pairs of a label and a value, one a line, with the values below each other. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string {
  const known = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  const width = Math.max(...known.map(([label]) => stringWidth(label)));
  return known.map(([label, value]) => `${padded(label, width)}${GAP}${plain(value)}\n`).join("");
}

function fitting<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): readonly Column<Row>[] {
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => cellsOf(row, columns))];
  const order = Math.max(...columns.map((column) => column.order ?? 0));
  if (order === 0 || total(widthsOf(lines)) <= width) return columns;
  return fitting(
    rows,
    columns.filter((column) => column.order !== order),
    width,
  );
}

function cellsOf<Row>(row: Row, columns: readonly Column<Row>[]): string[] {
  return columns.map(({ cell }) => plain(cell(row)) || "-");
}

function widthsOf(lines: readonly (readonly string[])[]): number[] {
  const [first = []] = lines;
  return first.map((_, column) => Math.max(...lines.map((line) => stringWidth(line[column] ?? ""))));
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
}

/** Takes what is too much from the widest column. */
function cut(widths: readonly number[], width: number): readonly number[] {
  const tooMuch = total(widths) - width;
  const widest = Math.max(...widths);
  if (tooMuch <= 0 || widest <= MIN_CUT_WIDTH) return widths;
  const index = widths.indexOf(widest);
  return widths.with(index, Math.max(MIN_CUT_WIDTH, widest - tooMuch));
}

function toLine(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => padded(shortened(cell, widths[column] ?? 0), widths[column] ?? 0))
    .join(GAP)
    .trimEnd();
}

function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - stringWidth(text)));
}

function shortened(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const characters = [...text];
  while (characters.length > 0 && stringWidth(characters.join("")) > width - 1) characters.pop();
  return `${characters.join("")}…`;
}
