/** The last log lines of a compute, for an error or an event that tells why it did not come up. */
import { withoutSecretWords } from "../../internal/printed-secrets.ts";
import { redact } from "../../internal/redact.ts";
import type { LogLine } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import { callProvider } from "../call.ts";
import type { Context } from "../context.ts";
import { codeOf } from "../failures.ts";
import { referenceOf } from "../find-instance.ts";
import { providerOf } from "../providers.ts";

const LINES = 20;
const MAX_LINE = 500;

/** A message with the last lines under it. */
export function withLines(message: string, lines: readonly string[]): string {
  return lines.length === 0 ? message : `${message}. Its last log lines:\n${lines.join("\n")}`;
}

/** Reads the last log lines, or none when they cannot be read: they only add to what matters more. */
export async function lastLines(
  context: Context,
  record: ComputeRecord,
  secrets: readonly string[] = [],
): Promise<readonly string[]> {
  const lines: LogLine[] = [];
  try {
    const provider = providerOf(context, record);
    const { logs } = provider;
    if (logs === undefined) return [];
    const call = { provider, operation: "logs", computeId: record.id };
    await callProvider(context, call, async (callContext) => {
      const options = { tail: LINES, follow: false };
      for await (const line of logs.call(provider, referenceOf(record), options, callContext))
        lines.push(line);
    });
  } catch (error) {
    context.logger.debug("no log lines to show", { computeId: record.id, code: codeOf(error) });
  }
  return lines.slice(-LINES).map(({ line }) => withoutSecretWords(redact(line, secrets)).slice(0, MAX_LINE));
}
