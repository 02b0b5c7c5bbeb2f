/** Reading a compute's log lines. */
import * as z from "zod/mini";
import { AtlasError, isAtlasError } from "../errors.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { withoutSecretWords } from "../internal/printed-secrets.ts";
import type { LogLine } from "../provider.ts";
import type { Context } from "./context.ts";
import { referenceOf } from "./find-instance.ts";
import { providerOf } from "./providers.ts";
import { loadRecord } from "./record/change.ts";

/** Options of reading log lines. */
export interface LogsOptions {
  /** The number of past lines to begin with, 0 to 5000. @default 100 */
  readonly tail?: number | undefined;
  /** Goes on with new lines until the instance is gone. @default false */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FIELDS = {
  tail: optional(field(z.int().check(z.minimum(0), z.maximum(5000)), "a whole number from 0 to 5000")),
  follow: optional(field(z.boolean(), "true or false")),
  signal: signalField,
};

/** Reads the log lines of a compute, oldest first. */
export async function* readLogs(
  context: Context,
  id: string,
  options: LogsOptions,
): AsyncGenerator<LogLine, void, undefined> {
  const { tail = 100, follow = false, signal } = parseFields("The options of logs", FIELDS, options);
  const { record } = await loadRecord(context, id);
  const provider = providerOf(context, record);
  if (provider.logs === undefined)
    throw new AtlasError("UNSUPPORTED", `${provider.name} has no logs to read`, {
      provider: provider.name,
      computeId: id,
    });
  const { requestTimeoutSeconds } = context.timing;
  const callContext = { signal: signal ?? new AbortController().signal, requestTimeoutSeconds };
  try {
    for await (const line of provider.logs(referenceOf(record), { tail, follow }, callContext))
      yield { ...line, line: withoutSecretWords(line.line) };
  } catch (error) {
    if (signal?.aborted) return;
    if (isAtlasError(error)) throw error;
    throw new AtlasError("PROVIDER", `${provider.name} failed in logs`, {
      provider: provider.name,
      computeId: id,
    });
  }
}
