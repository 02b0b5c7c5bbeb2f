/** Completions for zsh. */
import { quoted, type Shell, stepPatterns, valuePatterns, valuesOf } from "./shell.ts";
import type { ShownCommand, ShownOption } from "./tree.ts";

/** Makes the script: put it on `fpath` as `_atlas-compute`, or `source` it after `compinit`. */
export const zsh: Shell = (commands) => `#compdef atlas-compute
# Completions of atlas-compute for zsh.
_atlas_compute() {
  local at='' word skip=''
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$word" in
      --) _files; return ;;
      -*) case "$at $word" in ${valuePatterns(commands)}) skip="$word" ;; esac ;;
      *) case "$at/$word" in ${stepPatterns(commands)}) at="\${at:+$at }$word" ;; esac ;;
    esac
  done
  if [[ -n $skip ]]; then
    case "$at $skip" in
${commands
  .flatMap(valuesOf)
  .map(({ pattern, option }) => `      ${pattern}) ${valueLine(option)} ;;`)
  .join("\n")}
    esac
    return
  fi
  case "$at" in
${commands.map(commandLines).join("\n")}
  esac
  _describe 'atlas-compute' found
}
compdef _atlas_compute atlas-compute
`;

function commandLines({ path, subcommands, options }: ShownCommand): string {
  const entries = [
    ...subcommands.map(({ name, description }) => entry(name, description)),
    ...options.flatMap(({ names, description }) => names.map((name) => entry(name, description))),
  ];
  return `    ${quoted(path)}) found=(${entries.join(" ")}) ;;`;
}

/** `_describe` splits a name from its description at the first colon. */
function entry(name: string, description: string): string {
  return quoted(`${name}:${description.replaceAll("\\", "")}`);
}

function valueLine({ choices, isFile }: ShownOption): string {
  if (isFile) return "_files";
  return choices.length > 0 ? `compadd -- ${choices.join(" ")}` : ":";
}
