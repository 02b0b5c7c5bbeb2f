/** The command line as completions see it: each command by its path, with its subcommands and options. */
import type { Command, Option } from "commander";

/** An option as a shell completes it. */
export interface ShownOption {
  /** `--provider` and `-p`: as they are written. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** Its values, where they are a closed list. */
  readonly choices: readonly string[];
  /** True where its value is the path of a file. */
  readonly isFile: boolean;
}

/** A command as a shell completes it. */
export interface ShownCommand {
  /** The words that lead to it: empty for the program itself, `tenants add` for a subcommand. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly ShownOption[];
}

/** Options whose value is a file. */
const FILES: ReadonlySet<string> = new Set(["--config", "--env-file", "--store"]);

/** Lists a program and all its commands. */
export function commandTree(program: Command): readonly ShownCommand[] {
  return shownCommands(program, []);
}

function shownCommands(
  command: Command,
  words: readonly string[],
  inherited: readonly Option[] = [],
): ShownCommand[] {
  const options = [...command.options, ...inherited];
  const subcommands = command.commands.map((sub) => ({ name: sub.name(), description: firstSentence(sub) }));
  const help: ShownOption = { ...NO_VALUE, names: ["--help"], description: "display help for command" };
  const own = { path: words.join(" "), subcommands, options: [...options.map(shownOption), help] };
  const below = command.commands.flatMap((sub) =>
    shownCommands(sub, [...words, sub.name()], options.filter(isInherited)),
  );
  return [own, ...below];
}

const NO_VALUE = { takesValue: false, choices: [], isFile: false };

function shownOption(option: Option): ShownOption {
  const names = [option.long, option.short].filter((name) => name !== undefined && name !== null);
  return {
    names,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
    isFile: names.some((name) => FILES.has(name)),
  };
}

/** The version is the program's alone; every other option also counts after a subcommand. */
function isInherited(option: Option): boolean {
  return option.long !== "--version";
}

function firstSentence(command: Command): string {
  return command.description().split(/(?<=\.)\s/)[0] ?? "";
}
