/** Writing down everything that anybody could read. */
import { inspect } from "node:util";
import type { Logger } from "../../src/lifecycle/context.ts";

/** The log lines so far. */
export interface Transcript {
  readonly logger: Logger;
  /** Writes a value down in every form in which it could be printed, stored or sent. */
  note(value: unknown): void;
  text(): string;
}

/** A transcript. */
export function transcript(): Transcript {
  const lines: string[] = [];
  const note = (value: unknown): void => {
    lines.push(
      inspect(value, { depth: 20, maxArrayLength: 10_000, maxStringLength: 1_000_000 }),
      toJson(value),
      String(value),
    );
    if (typeof value === "object" && value !== null)
      lines.push(inspect({ ...value }, { depth: 20, showHidden: false }), toJson({ ...value }));
    if (value instanceof Error) lines.push(value.stack ?? "", toJson(Reflect.get(value, "details")));
  };
  const log = (...said: readonly unknown[]): void => {
    for (const part of said) note(part);
  };
  return { note, text: () => lines.join("\n"), logger: { debug: log, info: log, warn: log, error: log } };
}

function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
