/** `atlas-compute terminate`: ends computes, after a question where they may be another person's. */
import { Command } from "commander";
import type { Compute } from "../compute.ts";
import { AtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import { liveStatuses } from "../store.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { confirmed } from "./confirm.ts";
import { endCompute } from "./end-compute.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { print } from "./print.ts";
import { COMPUTE_COLUMNS, statusOf } from "./shown.ts";
import type { CliWorld } from "./world.ts";

interface TerminateFlags extends ClientFlags {
  readonly all?: boolean;
  readonly user?: string;
  readonly yes?: boolean;
}

const HELP = `
One compute that belongs to no user ends at once. Several ones, or a user's, end after a question, or with --yes. Exit code 3 means that a provider has
not confirmed an end yet: a reaper goes on with it.

Examples:
  $ atlas-compute terminate 3f9k2m7q0x1c8v5b4n6z
  $ atlas-compute terminate --user user_42 --yes
  $ atlas-compute terminate --all`;

/** Builds the command. */
export function terminateCommand(world: CliWorld): Command {
  return clientOptions(new Command("terminate"))
    .description("Ends computes.")
    .argument("[id...]", "the computes' ids")
    .option("--user <id>", "every live compute of this user")
    .option("--all", "every live compute of the namespace")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", HELP)
    .action(withClient<TerminateFlags>(world, terminate));
}

async function terminate(desk: Desk, flags: TerminateFlags, ids: readonly string[]): Promise<ExitCode> {
  const { world } = desk;
  const chosen = await choose(desk, flags, ids);
  if (!flags.yes && needsQuestion(chosen) && !(await isMeant(desk, chosen))) return EXIT.failed;
  const codes = await Promise.all(chosen.map((compute) => endCompute(compute, world)));
  for (const compute of chosen)
    print(
      desk,
      compute.snapshot(),
      () => `${compute.id}  ${statusOf(compute)}
`,
    );
  return codes.includes(EXIT.unfinished) ? EXIT.unfinished : EXIT.done;
}

/** The computes of the ids, or of the filter. @throws VALIDATION for neither or both, NOT_FOUND before anything has ended */
async function choose(
  { atlas }: Desk,
  { all, user: userId }: TerminateFlags,
  ids: readonly string[],
): Promise<readonly Compute[]> {
  const isFilter = all === true || userId !== undefined;
  if (isFilter === ids.length > 0)
    throw new AtlasError("VALIDATION", "Name the computes to end: their ids, or --user, or --all.");
  if (!isFilter) return Promise.all(ids.map((id) => atlas.getCompute(id)));
  return Array.fromAsync(atlas.listComputes({ status: liveStatuses, ...defined({ userId }) }));
}

function needsQuestion(computes: readonly Compute[]): boolean {
  return computes.length > 1 || computes.some(({ userId }) => userId !== null);
}

function isMeant({ world }: Desk, computes: readonly Compute[]): Promise<boolean> {
  const question = `End ${computes.length === 1 ? "this compute of a user" : `these ${computes.length} computes`}?`;
  const rows = computes.map((compute) => compute.snapshot());
  return confirmed(world, question, { rows, columns: COMPUTE_COLUMNS });
}
