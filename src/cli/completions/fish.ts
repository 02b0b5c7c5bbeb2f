/** Completions for fish. */
import { quoted, type Shell, stepPatterns, valuePatterns } from "./shell.ts";
import type { ShownCommand, ShownOption } from "./tree.ts";

/** Makes the script: put it into fish's `completions` folder, or `source` it. */
export const fish: Shell = (commands) => `# Completions of atlas-compute for fish.
function __atlas_compute_at
  set -l at ''
  set -l skip ''
  set -l words (commandline -opc)
  for word in $words[2..]
    if test -n "$skip"
      set skip ''
      continue
    end
    switch "$word"
      case --
        return 1
      case '-*'
        switch "$at $word"
          case ${cases(valuePatterns(commands))}
            set skip 1
        end
      case '*'
        switch "$at/$word"
          case ${cases(stepPatterns(commands))}
            set at (string trim "$at $word")
        end
    end
  end
  test "$at" = "$argv[1]"
end
complete -c atlas-compute -f
complete -c atlas-compute -n 'contains -- -- (commandline -opc)' -F
${commands.flatMap(lines).join("\n")}
`;

function cases(patterns: string): string {
  return patterns.replaceAll("'|'", "' '");
}

function lines({ path, subcommands, options }: ShownCommand): string[] {
  const at = `complete -c atlas-compute -n ${quoted(`__atlas_compute_at "${path}"`)}`;
  return [
    ...subcommands.map(({ name, description }) => `${at} -a ${quoted(name)} -d ${quoted(description)}`),
    ...options.map((option) => `${at} ${optionWords(option)}`),
  ];
}

function optionWords({ names, description, takesValue, choices, isFile }: ShownOption): string {
  const spelled = names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const value = isFile ? "-r -F" : choices.length > 0 ? `-x -a ${quoted(choices.join(" "))}` : "-x";
  return [...spelled, ...(takesValue ? [value] : []), "-d", quoted(description)].join(" ");
}
