/** `atlas-compute list` and `show`: the recorded computes. */
import { Command, Option } from "commander";
import { defined } from "../internal/defined.ts";
import { type ComputeStatus, liveStatuses } from "../store.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { print, printTable } from "./print.ts";
import { COMPUTE_COLUMNS, computeFacts } from "./shown.ts";
import { facts } from "./table.ts";
import { collect, wholeOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

interface ListFlags extends ClientFlags {
  readonly user?: string;
  readonly slot?: string;
  readonly at?: string;
  readonly status: readonly ComputeStatus[];
  readonly all?: boolean;
  readonly limit: number;
}

const STATUSES: readonly string[] = [...liveStatuses, "terminated", "failed"];

const LIST_HELP = `
Without --all or --status, only computes that may cost money are listed.

Examples:
  $ atlas-compute list
  $ atlas-compute list --user user_42 --all
  $ atlas-compute list --json | jq -r 'select(.costSoFar > 5) | .id'`;

/** Builds `list`. */
export function listCommand(world: CliWorld): Command {
  return clientOptions(new Command("list"))
    .description("Lists computes, newest first.")
    .option("--user <id>", "only those of this user")
    .option("--slot <name>", "only those in this slot")
    .option("--at <provider>", "only those at this provider")
    .addOption(
      new Option("--status <status>", "only those in this state; repeat it for more")
        .choices(STATUSES)
        .argParser(collect)
        .default([], "the live ones"),
    )
    .option("--all", "also those that have ended")
    .option("--limit <number>", "the number of computes", wholeOf, 100)
    .addHelpText("after", LIST_HELP)
    .action(withClient<ListFlags>(world, list));
}

/** Builds `show`. */
export function showCommand(world: CliWorld): Command {
  return clientOptions(new Command("show"))
    .description("Shows a compute: its state, its ports, its ends and its cost.")
    .argument("<id>", "the compute's id")
    .addHelpText("after", "\nExample:\n  $ atlas-compute show 3f9k2m7q0x1c8v5b4n6z")
    .action(withClient<ClientFlags>(world, show));
}

async function list(desk: Desk, flags: ListFlags): Promise<undefined> {
  const { user: userId, slot, at: provider, all, limit } = flags;
  const chosen = flags.status.length > 0 ? flags.status : liveStatuses;
  const status = all ? undefined : chosen;
  const computes = desk.atlas.listComputes({
    ...defined({ userId, slot, provider, status }),
    limit: Math.min(limit, 1000),
  });
  const rows = [];
  for await (const compute of computes) {
    if (rows.length === limit) break;
    rows.push(compute.snapshot());
  }
  printTable(desk, rows, COMPUTE_COLUMNS, all ? "No compute is recorded." : "No compute is live.");
}

async function show(desk: Desk, _: ClientFlags, [id = ""]: readonly string[]): Promise<undefined> {
  const compute = await desk.atlas.getCompute(id);
  print(desk, compute.snapshot(), () => facts(computeFacts(compute)));
}
