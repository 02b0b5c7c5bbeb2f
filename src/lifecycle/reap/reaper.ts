/** The reaper of a long-lived process. It runs pass after pass, never two at once. */
import * as z from "zod/mini";
import { callable } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import type { Context } from "../context.ts";
import type { Pass, ReaperOptions } from "./loop.ts";
import type { ReapReport } from "./reap.ts";

const FIELDS = {
  everySeconds: optional(field(z.number().check(z.minimum(1), z.maximum(3600)), "seconds from 1 to 3600")),
  untilSignal: optional(field(z.boolean(), "true or false")),
  onReport: optional(field(callable<(report: ReapReport) => void>(), "a function")),
};

/** A reaper that runs in the background. `await using` stops it at the end of the block. */
export interface Reaper extends AsyncDisposable {
  /** Stops the reaper and waits for the pass under way. Calling it again does no harm. */
  stop(): Promise<void>;
}

/** Starts a reaper, whose first pass begins as soon as its code is loaded. */
export function startReaper(context: Context, pass: Pass, options: ReaperOptions = {}): Reaper {
  const parsed = parseFields("The options of startReaper", FIELDS, options);
  const stopping = new AbortController();
  const running = import("./loop.ts").then(({ reapUntil }) => reapUntil(context, pass, parsed, stopping));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}
