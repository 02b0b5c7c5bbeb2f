/** A question before something is ended or removed. */
import { AtlasError } from "../errors.ts";
import { type Column, table } from "./table.ts";
import type { CliWorld } from "./world.ts";

/** The things that a question is about. */
export interface Subject<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
}

/** Shows the things, asks, and says so where the answer is no. @throws VALIDATION where no terminal can be asked */
export async function confirmed<Row>(
  { terminal, stderr }: CliWorld,
  question: string,
  { rows, columns }: Subject<Row>,
): Promise<boolean> {
  if (!terminal.canAsk)
    throw new AtlasError("VALIDATION", `${question} Pass --yes where no terminal can be asked.`);
  stderr(table(rows, columns, terminal.columns()));
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
  const isYes = !isCancel(answer) && answer;
  if (!isYes) stderr("Nothing was changed.\n");
  return isYes;
}
