/** The findings of `doctor`. */
import type { AtlasErrorCode } from "../../errors.ts";
import { helpFor } from "../failure.ts";

/** `problem`: something does not work, or money may be lost. `warning`: it may be meant so. */
export type Level = "ok" | "warning" | "problem";

/** A thing that was looked at, and the advice about it. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** The finding in words, without any secret. */
  readonly message: string;
  /** The step that mends it; only `ok` needs none. */
  readonly advice?: string;
  /** The section of the documentation about the error that was met. */
  readonly help?: string;
}

/** Makes the findings of one check. */
export interface Check {
  /** The beginning of a sentence about what is fine. */
  ok(message: string): Finding;
  warning(message: string, advice: string): Finding;
  problem(message: string, advice: string, code?: AtlasErrorCode): Finding;
}

/** Makes findings under a name. */
export function check(name: string): Check {
  return {
    ok: (message) => ({ check: name, level: "ok", message }),
    warning: (message, advice) => ({ check: name, level: "warning", message, advice }),
    problem: (message, advice, code) => ({
      ...{ check: name, level: "problem", message, advice },
      ...(code !== undefined && { help: helpFor(code) }),
    }),
  };
}
