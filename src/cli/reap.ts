/** `atlas-compute reap`: one pass of the reaper, or pass after pass. */
import { Command, Option } from "commander";
import type { ReapReport } from "../lifecycle/reap/reap.ts";
import type { ReapEntry } from "../lifecycle/reap/task.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { interruption } from "./interruption.ts";
import { print, printTable } from "./print.ts";
import type { Column } from "./table.ts";
import { secondsOf, wholeOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

interface ReapFlags extends ClientFlags {
  readonly dryRun?: boolean;
  readonly orphans: "terminate" | "report" | "ignore";
  readonly limit: number;
  readonly every?: number;
}

interface Line extends ReapEntry {
  readonly heading: string;
}

const HEADINGS = ["terminated", "settled", "vanished", "orphans", "failed"] as const;

const COLUMNS: readonly Column<Line>[] = [
  { title: "WORK", cell: ({ heading }) => heading },
  { title: "COMPUTE", cell: ({ computeId }) => computeId ?? "" },
  { title: "PROVIDER", cell: ({ provider }) => provider, order: 1 },
  { title: "INSTANCE", cell: ({ providerId }) => providerId ?? "", order: 2 },
  { title: "REASON", cell: ({ reason, error }) => (error === undefined ? reason : `${reason}: ${error}`) },
];

const HELP = `
Exit code 3 means that there is more to do, 1 that a task failed, which a later pass tries again.

Examples:
  $ atlas-compute reap --dry-run
  $ atlas-compute reap --provider runpod --store sqlite:./atlas.db --every 15s`;

/** Builds the command. */
export function reapCommand(world: CliWorld): Command {
  return clientOptions(new Command("reap"))
    .description("Ends what idles, is too old or lost: one pass of the reaper.")
    .option("--dry-run", "report what a pass would do, and change nothing")
    .addOption(
      new Option("--orphans <treatment>", "instances of ours without a live compute")
        .choices(["terminate", "report", "ignore"])
        .default("terminate"),
    )
    .option("--limit <number>", "the number of computes that one pass works on", wholeOf, 100)
    .option("--every <time>", "run pass after pass at this distance, until Ctrl-C", secondsOf)
    .addHelpText("after", HELP)
    .action(withClient<ReapFlags>(world, reap));
}

async function reap(desk: Desk, { dryRun, orphans, limit, every }: ReapFlags): Promise<ExitCode> {
  if (every !== undefined) return reapUntilSignal(desk, every);
  const report = await desk.atlas.reap({ dryRun: dryRun === true, orphans, limit });
  show(desk, report);
  if (report.failed.length > 0) return EXIT.failed;
  return report.remaining ? EXIT.unfinished : EXIT.done;
}

async function reapUntilSignal(desk: Desk, everySeconds: number): Promise<ExitCode> {
  using stop = interruption(desk.world, "Waiting for the pass under way.");
  const reaper = desk.atlas.startReaper({
    everySeconds,
    onReport: (report) => isWorth(report) && show(desk, report),
  });
  const ended = Promise.withResolvers<void>();
  stop.signal.addEventListener("abort", () => ended.resolve(), { once: true });
  await ended.promise;
  await reaper.stop();
  return EXIT.done;
}

function isWorth(report: ReapReport): boolean {
  return linesOf(report).length > 0;
}

function linesOf(report: ReapReport): readonly Line[] {
  return HEADINGS.flatMap((heading) => report[heading].map((entry) => ({ heading, ...entry })));
}

function show(desk: Desk, report: ReapReport): void {
  if (desk.asJson) print(desk, report, String);
  else printTable(desk, linesOf(report), COLUMNS, "Nothing is due.");
}
