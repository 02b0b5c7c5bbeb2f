/** The parts that the scripts of several shells share. */
import type { ShownCommand, ShownOption } from "./tree.ts";

/** Makes the script of a shell. */
export type Shell = (commands: readonly ShownCommand[]) => string;

/** A text in single quotes, as all three shells read it where it holds no quote itself. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}

/** The patterns of all options that take a value, each with the path of its command, for a `case`. */
export function valuePatterns(commands: readonly ShownCommand[]): string {
  return commands
    .flatMap(valuesOf)
    .map(({ pattern }) => pattern)
    .join("|");
}

/** The patterns of all steps from a command to its subcommand, for a `case`. */
export function stepPatterns(commands: readonly ShownCommand[]): string {
  return commands
    .flatMap(({ path, subcommands }) => subcommands.map(({ name }) => quoted(`${path}/${name}`)))
    .join("|");
}

/** The options of a command that take a value, each with its pattern for a `case`. */
export function valuesOf({
  path,
  options,
}: ShownCommand): readonly { readonly pattern: string; readonly option: ShownOption }[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map((option) => ({ option, pattern: option.names.map((name) => quoted(`${path} ${name}`)).join("|") }));
}
