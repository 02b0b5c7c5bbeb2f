/** The loop of a reaper. It is loaded when a reaper starts, so that importing the package stays cheap. */
import { pause } from "../../internal/pause.ts";
import { atProcessEnd } from "../../internal/process-end.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../failures.ts";
import { notify } from "../listeners.ts";
import type { ReapOptions, ReapReport } from "./reap.ts";

/** Options of a reaper. */
export interface ReaperOptions {
  /**
   * Seconds between two passes, 1 to 3600. After a pass that left work the next one begins after a second. Orphans are searched for once a minute at most,
   * because that search reads whole lists. @default 15
   */
  readonly everySeconds?: number | undefined;
  /**
   * True ends the reaper on SIGTERM and on SIGINT, after the event streams of the process and the pass under way; the process then ends as it
   * would without a reaper. @default false
   */
  readonly untilSignal?: boolean | undefined;
  /** Called after every pass. */
  readonly onReport?: ((report: ReapReport) => void) | undefined;
}

/** One pass, as the reaper runs it. */
export type Pass = (options: Pick<ReapOptions, "orphans">) => Promise<ReapReport>;

/** The least pause, so that work that cannot be finished does not keep a reaper busy. */
const MIN_PAUSE_SECONDS = 1;

/** The least time between two searches for orphans, unless the one before left some: nearly a minute, because timers are not exact. */
const SEARCH_SECONDS = 59;

/** Runs pass after pass until the controller aborts, or the process is told to end where the options ask for that. */
export async function reapUntil(
  context: Context,
  pass: Pass,
  { everySeconds = 15, untilSignal = false, onReport }: ReaperOptions,
  stopping: AbortController,
): Promise<void> {
  const searching = searchingNowAndThen(context, pass);
  const running = loop(context, everySeconds, () => passOnce(context, searching, onReport), stopping.signal);
  if (!untilSignal) return running;
  const release = atProcessEnd("loops", async () => {
    stopping.abort();
    await running;
  });
  await running.finally(release);
}

/** Passes that search for orphans once a minute, and again at once where a search left some. */
function searchingNowAndThen({ clock }: Context, pass: Pass): () => Promise<ReapReport> {
  let searchAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const begunAt = clock.now().getTime();
    const searches = begunAt >= searchAt;
    const report = await pass(searches ? {} : { orphans: "ignore" });
    const leftSome = report.remaining && report.orphans.length > 0;
    if (searches) searchAt = leftSome ? begunAt : begunAt + SEARCH_SECONDS * 1000;
    return report;
  };
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
async function passOnce(
  context: Context,
  pass: () => Promise<ReapReport>,
  onReport: ReaperOptions["onReport"],
): Promise<boolean> {
  try {
    const report = await pass();
    notify(context, "onReport", onReport, report);
    return report.remaining && report.failed.length === 0;
  } catch (error) {
    context.logger.error("a pass of the reaper failed; it goes on", { error: messageOf(error) });
    return false;
  }
}
