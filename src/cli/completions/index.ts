/** `atlas-compute completions`: scripts that complete the command line, made from its own table of commands. */
import { Argument, Command } from "commander";
import type { CliWorld } from "../world.ts";
import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import type { Shell } from "./shell.ts";
import { commandTree } from "./tree.ts";
import { zsh } from "./zsh.ts";

const SHELLS = { bash, zsh, fish } as const satisfies Readonly<Record<string, Shell>>;

const HELP = `
Examples:
  $ atlas-compute completions bash > ~/.local/share/bash-completion/completions/atlas-compute
  $ atlas-compute completions zsh > "\${fpath[1]}/_atlas-compute"
  $ atlas-compute completions fish > ~/.config/fish/completions/atlas-compute.fish`;

/** Builds the command. It completes the program that it is added to. */
export function completionsCommand({ stdout }: CliWorld): Command {
  const command = new Command("completions");
  return command
    .description("Prints a script that completes this command line in a shell.")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SHELLS)))
    .addHelpText("after", HELP)
    .action((shell: keyof typeof SHELLS) => {
      if (command.parent !== null) stdout(SHELLS[shell](commandTree(command.parent)));
    });
}
