/** Completions for bash. */
import { quoted, type Shell, stepPatterns, valuePatterns, valuesOf } from "./shell.ts";
import type { ShownCommand, ShownOption } from "./tree.ts";

/** Makes the script: `source` it. */
export const bash: Shell = (commands) => `# Completions of atlas-compute for bash.
_atlas_compute() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at='' skip='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$word" in
      --) COMPREPLY=($(compgen -f -- "$cur")); return ;;
      -*) case "$at $word" in ${valuePatterns(commands)}) skip=1 ;; esac ;;
      *) case "$at/$word" in ${stepPatterns(commands)}) at="\${at:+$at }$word" ;; esac ;;
    esac
  done
  case "$at $prev" in
${commands
  .flatMap(valuesOf)
  .map(({ pattern, option }) => `    ${pattern}) ${valueLine(option)}; return ;;`)
  .join("\n")}
  esac
  case "$at" in
${commands.map((command) => `    ${quoted(command.path)}) COMPREPLY=($(compgen -W "${wordsOf(command)}" -- "$cur")) ;;`).join("\n")}
  esac
}
complete -o default -F _atlas_compute atlas-compute
`;

function valueLine({ choices, isFile }: ShownOption): string {
  if (isFile) return 'COMPREPLY=($(compgen -f -- "$cur"))';
  return choices.length > 0 ? `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur"))` : "COMPREPLY=()";
}

function wordsOf({ subcommands, options }: ShownCommand): string {
  return [...subcommands.map(({ name }) => name), ...options.flatMap(({ names }) => names)].join(" ");
}
