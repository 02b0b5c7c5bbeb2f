/** The times of a request: when its compute ends, and when it warns before that. */
/** The times of a request, as `spawnCompute` takes them. */
export interface RequestTimes {
  /** Seconds without a sign of life before the compute is ended; null turns it off. @default 1800 */
  readonly idleTimeoutSeconds?: number | null | undefined;
  /** Seconds before the compute is ended in any case; null turns it off. @default 86400 */
  readonly maxLifetimeSeconds?: number | null | undefined;
  /** The most seconds that `extend` can bring the compute's lifetime to. @default maxLifetimeSeconds */
  readonly maxExtendedLifetimeSeconds?: number | undefined;
  /** Seconds from the create to `running`, after which the compute is ended as not booted. @default the provider's */
  readonly bootTimeoutSeconds?: number | undefined;
  /** Seconds before a planned end at which the warning `ending-soon` comes, at most half of the timeout that it warns of; 0 turns it off. @default 120 */
  readonly warnBeforeEndSeconds?: number | undefined;
}

/** The times of a valid request, with every default filled in. */
export interface ParsedTimes {
  readonly idleTimeoutSeconds: number | null;
  readonly maxLifetimeSeconds: number | null;
  /** Null where the lifetime cannot be extended beyond `maxLifetimeSeconds`. */
  readonly maxExtendedLifetimeSeconds: number | null;
  /** Null where the provider's own counts. */
  readonly bootTimeoutSeconds: number | null;
  readonly warnBeforeEndSeconds: number;
}

const DAY = 86_400;

/** The times of a request that names none. */
export const DEFAULT_TIMES: ParsedTimes = {
  idleTimeoutSeconds: 1800,
  maxLifetimeSeconds: DAY,
  maxExtendedLifetimeSeconds: null,
  bootTimeoutSeconds: null,
  warnBeforeEndSeconds: 120,
};

/** A request without its times. */
export function withoutTimes<Request extends ParsedTimes>(
  request: Request,
): Omit<Request, keyof ParsedTimes> {
  const {
    idleTimeoutSeconds,
    maxLifetimeSeconds,
    maxExtendedLifetimeSeconds,
    bootTimeoutSeconds,
    warnBeforeEndSeconds,
    ...others
  } = request;
  return others;
}

/** The times that a request names beyond those of the first version; null where it names none. */
export function addedTimes(times: ParsedTimes): Readonly<Record<string, number | null>> {
  const { maxExtendedLifetimeSeconds, bootTimeoutSeconds, warnBeforeEndSeconds } = times;
  const isDefault = warnBeforeEndSeconds === DEFAULT_TIMES.warnBeforeEndSeconds;
  return {
    maxExtendedLifetimeSeconds,
    bootTimeoutSeconds,
    warnBeforeEndSeconds: isDefault ? null : warnBeforeEndSeconds,
  };
}
