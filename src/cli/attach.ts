/** A terminal that stays with a compute: its log, its signs of life, and its end. */
import type { Compute } from "../compute.ts";
import { isAtlasError } from "../errors.ts";
import { pause } from "../internal/pause.ts";
import type { LogLine } from "../provider.ts";
import type { Desk } from "./client.ts";
import { endCompute } from "./end-compute.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { type Printer, print } from "./print.ts";
import { statusOf } from "./shown.ts";
import { plain } from "./text.ts";

const MAX_TAIL = 5000;
/** A person at a terminal is a sign of life. The shortest idle timeout that this keeps up with is 30 seconds. */
const TOUCH_SECONDS = 10;

/** Follows a compute until it has ended, or ends it when the signal aborts. */
export async function attach(desk: Desk, compute: Compute, signal: AbortSignal): Promise<ExitCode> {
  const { atlas, world, configFile } = desk;
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  // The store of the flags may have no other reaper. That of a configuration file is the application's.
  if (configFile === undefined) atlas.startReaper();
  let exitCode: number | undefined;
  const touching = keepAlive(compute, desk, until);
  try {
    exitCode = await follow(desk, compute, until);
  } finally {
    over.abort();
    await touching;
  }
  if (!signal.aborted) {
    await tellEnd(desk, compute);
    return compute.status === "failed" || (exitCode ?? 0) !== 0 ? EXIT.failed : EXIT.done;
  }
  const code = await endCompute(compute, world);
  if (code === EXIT.unfinished)
    world.stderr(
      `${compute.id} is still ending, which a reaper goes on with: see atlas-compute show ${compute.id}\n`,
    );
  else await tellEnd(desk, compute);
  return code;
}

/** Shows log lines while the provider has any, and waits for the end that the record tells. @returns the exit code of the pod's program, where it is known */
async function follow(desk: Desk, compute: Compute, signal: AbortSignal): Promise<number | undefined> {
  let exitCode: number | undefined;
  try {
    for await (const line of compute.logs({ follow: true, tail: MAX_TAIL, signal })) showLine(desk, line);
  } catch (error) {
    if (!isAtlasError(error) || error.code === "NOT_FOUND") throw error;
    desk.world.stderr(`The log cannot be followed: ${plain(error.message)}\n`);
  }
  for await (const { data } of compute.events({ signal }))
    if (typeof data.exitCode === "number") exitCode = data.exitCode;
  return exitCode;
}

/** Shows one line of a log. */
export function showLine(printer: Printer, line: LogLine): void {
  print(printer, line, () => `${plain(line.line)}\n`);
}

async function keepAlive(compute: Compute, { world, atlas }: Desk, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await atlas.touch(compute.id);
    } catch (error) {
      // A compute that ends takes no touch: its events tell.
      if (!isAtlasError(error)) throw error;
    }
    await pause(world.clock, TOUCH_SECONDS, signal);
  }
}

async function tellEnd({ world }: Desk, compute: Compute): Promise<void> {
  const { id, lastError } = await compute.refresh();
  world.stderr(`${id} is ${statusOf(compute)}${lastError === null ? "" : `: ${plain(lastError)}`}.\n`);
}
