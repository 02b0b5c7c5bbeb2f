/** Calls to the functions that the application passed in. An error that one throws, at once or later, is logged and disturbs nothing. */
import type * as z from "zod/mini";
import { callable } from "../internal/option-fields.ts";
import { type Field, field, optional } from "../internal/parse.ts";
import type { Context, Progress, Report } from "./context.ts";
import { messageOf } from "./failures.ts";

/** A listener to the progress of a call. */
export type OnProgress = (progress: Progress) => void;

/** `onProgress`, as an option. */
export const onProgressField: Field<z.ZodMiniOptional<z.ZodMiniCustom<OnProgress, OnProgress>>> = optional(
  field(callable<OnProgress>(), "a function"),
);

/** Calls a listener with a value. */
export function notify<Value>(
  { logger }: Context,
  name: string,
  listener: ((value: Value) => unknown) | undefined,
  value: Value,
): void {
  const call = async (): Promise<unknown> => listener?.(value);
  call().catch((error: unknown) => logger.error(`${name} threw`, { error: messageOf(error) }));
}

/** Reports steps to a listener, with the seconds since now. */
export function reporter(context: Context, onProgress: OnProgress | undefined): Report {
  const { clock } = context;
  const begin = clock.now().getTime();
  return (phase, message, record) => {
    const elapsedSeconds = (clock.now().getTime() - begin) / 1000;
    const about = record === undefined ? {} : { computeId: record.id, provider: record.provider };
    notify(context, "onProgress", onProgress, { phase, message, elapsedSeconds, ...about });
  };
}
