/** The reaper of a long-lived process. It runs pass after pass, never two at once. */
import * as z from "zod/mini";
import { callable } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { pause } from "../../internal/pause.ts";
import { atProcessEnd } from "../../internal/process-end.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../failures.ts";
import { notify } from "../listeners.ts";
import type { ReapReport } from "./reap.ts";

/** Options of a reaper. */
export interface ReaperOptions {
  /** Seconds between two passes, 1 to 3600. After a pass that left work the next one begins after a second. @default 60 */
  readonly everySeconds?: number | undefined;
  /**
   * True ends the reaper on SIGTERM and on SIGINT, after the event streams of the process and the pass under way; the process then ends as it
   * would without a reaper. @default false
   */
  readonly untilSignal?: boolean | undefined;
  /** Called after every pass. */
  readonly onReport?: ((report: ReapReport) => void) | undefined;
}

const FIELDS = {
  everySeconds: optional(field(z.number().check(z.minimum(1), z.maximum(3600)), "seconds from 1 to 3600")),
  untilSignal: optional(field(z.boolean(), "true or false")),
  onReport: optional(field(callable<(report: ReapReport) => void>(), "a function")),
};

/** The least pause, so that work that cannot be finished does not keep a reaper busy. */
const MIN_PAUSE_SECONDS = 1;

/** One pass, as the reaper runs it. */
type Pass = () => Promise<ReapReport>;

/** A reaper that runs in the background. `await using` stops it at the end of the block. */
export interface Reaper extends AsyncDisposable {
  /** Stops the reaper and waits for the pass under way. Calling it again does no harm. */
  stop(): Promise<void>;
}

/** Starts a reaper, whose first pass begins at once. */
export function startReaper(context: Context, pass: Pass, options: ReaperOptions = {}): Reaper {
  const {
    everySeconds = 60,
    untilSignal = false,
    onReport,
  } = parseFields("The options of startReaper", FIELDS, options);
  const stopping = new AbortController();
  const reapOnce = (): Promise<boolean> => passOnce(context, pass, onReport);
  const running = loop(context, everySeconds, reapOnce, stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    release();
    await running;
  };
  const release = untilSignal ? atProcessEnd("loops", stop) : () => undefined;
  return { stop, [Symbol.asyncDispose]: stop };
}

async function loop(
  { clock }: Context,
  everySeconds: number,
  reapOnce: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const more = await reapOnce();
    await pause(clock, more ? MIN_PAUSE_SECONDS : everySeconds, signal);
  }
}

/** Runs one pass. A failure is logged and does not end the loop. @returns true when the next pass should follow at once */
async function passOnce(context: Context, pass: Pass, onReport: ReaperOptions["onReport"]): Promise<boolean> {
  try {
    const report = await pass();
    notify(context, "onReport", onReport, report);
    return report.remaining && report.failed.length === 0;
  } catch (error) {
    context.logger.error("a pass of the reaper failed; it goes on", { error: messageOf(error) });
    return false;
  }
}
