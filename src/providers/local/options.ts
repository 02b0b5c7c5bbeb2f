import { resolve } from "node:path";
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { clockField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";

/** The options of `local()`. */
export interface LocalOptions {
  /**
   * The folder of the instances' records and logs. Only this user can access it (mode 0700). Processes that share it see the same
   * instances. @default `$XDG_STATE_HOME/atlas-compute/local`, or `~/.local/state/atlas-compute/local`
   */
  readonly stateDirectory?: string | undefined;
  /** Seconds between SIGTERM and SIGKILL when an instance ends. @default 5 */
  readonly stopTimeoutSeconds?: number | undefined;
  /** The clock for times and pauses. @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The options of `local()` with their defaults. */
export interface LocalSettings {
  readonly stateDirectory: string;
  readonly stopTimeoutSeconds: number;
  readonly clock: Clock;
  /** The part of this process's environment that every instance gets. */
  readonly inheritedEnv: Readonly<Record<string, string>>;
}

/** The defaults that depend on the current process. */
export type LocalDefaults = Pick<LocalSettings, "stateDirectory" | "inheritedEnv">;

const FIELDS = {
  stateDirectory: optional(field(z.string().check(z.minLength(1)), "the path of a folder")),
  stopTimeoutSeconds: optional(
    field(z.number().check(z.positive(), z.maximum(3600)), "seconds, more than 0 and up to 3600"),
  ),
  clock: clockField,
};

/** Parses the options of `local()` and fills in the defaults. @throws VALIDATION naming every wrong field. */
export function parseLocalOptions(options: LocalOptions, defaults: LocalDefaults): LocalSettings {
  const given = parseFields("The options of local()", FIELDS, options);
  const settings = { stopTimeoutSeconds: 5, clock: systemClock, ...defaults, ...given };
  return { ...settings, stateDirectory: resolve(settings.stateDirectory) };
}
