/** `atlas-compute doctor`: looks at all that has to work, and says what to do about the rest. */
import { Command } from "commander";
import { isAtlasError } from "../../errors.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "../client.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { print } from "../print.ts";
import { wrapped } from "../text.ts";
import type { CliWorld, Paint, Terminal } from "../world.ts";
import { DateWatch } from "./clocks.ts";
import { controlPlaneFindings, guardFindings } from "./control-plane.ts";
import type { Finding, Level } from "./finding.ts";
import { machineFindings } from "./machine.ts";
import { providerFindings } from "./providers.ts";
import { storeFindings } from "./store.ts";

const HELP = `
It looks at the client, at each provider's key and account, at the clocks, the store and its reaper, the control plane and the guards, and changes
nothing. Exit code 1 means that something does not work; a warning alone is no failure.

Examples:
  $ atlas-compute doctor
  $ atlas-compute doctor --provider runpod --store sqlite:./atlas.db --json`;

const MARKS: Readonly<Record<Level, { readonly mark: string; readonly look: Paint }>> = {
  ok: { mark: "ok", look: "green" },
  warning: { mark: "warn", look: "yellow" },
  problem: { mark: "FAIL", look: "red" },
};
const MARK_WIDTH = 4;
const NAME_WIDTH = 13;
/** The width of a mark and a name, with the gaps behind them. */
const INDENT: number = MARK_WIDTH + NAME_WIDTH + 4;

/** Builds the command. */
export function doctorCommand(world: CliWorld): Command {
  return clientOptions(new Command("doctor"))
    .description("Looks at keys, clocks, store, reaper and control plane, and says what to do.")
    .addHelpText("after", HELP)
    .action(withClient<ClientFlags>(world, doctor));
}

async function doctor(desk: Desk): Promise<ExitCode> {
  const { parts } = desk;
  using dates = new DateWatch();
  const lists = await Promise.all([
    machineFindings(desk),
    providerFindings(parts),
    storeFindings(parts),
    controlPlaneFindings(parts),
    guardFindings(parts).catch(toldByStore),
  ]);
  const findings = [...lists.flat(), ...dates.findings()];
  for (const finding of findings) print(desk, finding, () => textOf(finding, desk.world.terminal));
  return findings.some(({ level }) => level === "problem") ? EXIT.failed : EXIT.done;
}

/** A store that fails has its own finding. */
function toldByStore(error: unknown): readonly Finding[] {
  if (isAtlasError(error)) return [];
  throw error;
}

function textOf({ check, level, message, advice, help }: Finding, { columns, paint }: Terminal): string {
  const { mark, look } = MARKS[level];
  const name = check.padEnd(NAME_WIDTH);
  const line = `${paint(look, mark.padEnd(MARK_WIDTH))}  ${name}  ${wrapped(message, INDENT, columns())}\n`;
  if (advice === undefined) return line;
  const told = help === undefined ? advice : `${advice} (see ${help})`;
  return `${line}${" ".repeat(INDENT)}→ ${wrapped(told, INDENT + "→ ".length, columns())}\n`;
}
