/** `atlas-compute logs` and `events`: the words of a pod, and the events of its life. */
import { Command } from "commander";
import { defined } from "../internal/defined.ts";
import type { ComputeEvent } from "../store.ts";
import { showLine } from "./attach.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { interruption } from "./interruption.ts";
import { print } from "./print.ts";
import { statusOf } from "./shown.ts";
import { plain } from "./text.ts";
import { wholeOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

/** The width of most states with their reason. */
const STATUS_WIDTH = 23;

interface LogsFlags extends ClientFlags {
  readonly follow: boolean;
  readonly tail: number;
}

interface EventsFlags extends ClientFlags {
  readonly follow: boolean;
  readonly after?: string;
}

/** Builds `logs`. */
export function logsCommand(world: CliWorld): Command {
  return clientOptions(new Command("logs"))
    .description("Prints the log of a pod.")
    .argument("<id>", "the compute's id")
    .option("-f, --follow", "go on until the pod has ended", false)
    .option("--tail <number>", "the number of past lines, up to 5000", wholeOf, 100)
    .addHelpText("after", "\nExample:\n  $ atlas-compute logs --follow 3f9k2m7q0x1c8v5b4n6z")
    .action(withClient<LogsFlags>(world, logs));
}

/** Builds `events`. */
export function eventsCommand(world: CliWorld): Command {
  return clientOptions(new Command("events"))
    .description("Prints the events of a compute.")
    .argument("<id>", "the compute's id")
    .option("-f, --follow", "go on until the compute has ended", false)
    .option("--after <event>", "only events after the one with this id")
    .addHelpText("after", "\nExample:\n  $ atlas-compute events --follow --json 3f9k2m7q0x1c8v5b4n6z")
    .action(withClient<EventsFlags>(world, events));
}

async function logs(
  desk: Desk,
  { follow, tail }: LogsFlags,
  [id = ""]: readonly string[],
): Promise<undefined> {
  using stop = interruption(desk.world);
  for await (const line of desk.atlas.logs(id, { follow, tail, signal: stop.signal })) showLine(desk, line);
}

async function events(desk: Desk, flags: EventsFlags, [id = ""]: readonly string[]): Promise<undefined> {
  using stop = interruption(desk.world);
  const { follow, after } = flags;
  const compute = await desk.atlas.getCompute(id);
  for await (const event of compute.events({ follow, signal: stop.signal, ...defined({ after }) })) {
    const shown = event.type === "state" ? { ...event, compute: compute.snapshot() } : event;
    print(desk, shown, () => `${eventText(event)}\n`);
  }
}

function eventText(event: ComputeEvent): string {
  const { at, type, data } = event;
  const text = Object.keys(data).length === 0 ? "" : JSON.stringify(data);
  return plain(
    `${at.toISOString()}  ${type.padEnd(11)}  ${statusOf(event).padEnd(STATUS_WIDTH)}  ${text}`.trimEnd(),
  );
}
