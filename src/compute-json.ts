/** The facts of a compute that its handle shows, and its JSON. */
import type { ComputeAuth } from "./compute-auth.ts";
import { defined } from "./internal/defined.ts";
import { plannedEnd, warningSeconds } from "./lifecycle/record/ending.ts";
import type { AuthScheme, ComputeRecord } from "./store.ts";

/** The facts of a record that a handle and its JSON show as they are. */
export const plainFacts = [
  "id",
  "name",
  "provider",
  "providerId",
  "status",
  "reason",
  "userId",
  "tenantId",
  "slot",
  "gpu",
  "gpuCount",
  "region",
  "costPerHour",
  "ports",
  "metadata",
  "lastError",
] as const;

/** The times of a record that a handle shows as a `Date`, and its JSON in ISO 8601. */
export const times = ["createdAt", "idleDeadline", "lifetimeDeadline"] as const;

type PlainFact = (typeof plainFacts)[number];
type Time = (typeof times)[number];

/** The facts that a handle shows as its record has them. */
export type ComputeFacts = Readonly<Pick<ComputeRecord, PlainFact | Time | "reports">>;

/** A compute as `JSON.stringify` writes it: without any secret, times in ISO 8601. */
export interface ComputeJson extends Readonly<Pick<ComputeRecord, PlainFact>> {
  /** US dollars so far; null when the price is not known. */
  readonly costSoFar: number | null;
  /** The schemes that open the pod, and the hash of the newest token; absent when nothing protects it. */
  readonly auth?: { readonly schemes: readonly AuthScheme[]; readonly hash?: string };
  /** The time of its record, by the store's clock. */
  readonly createdAt: string;
  /** The end for want of signs of life; null while that is off or the compute does not run. */
  readonly idleDeadline: string | null;
  /** The latest end; null when that is off. */
  readonly lifetimeDeadline: string | null;
}

/** A compute as a browser reads it. */
export interface ComputeSnapshot extends ComputeJson {
  /** The name of this compute among its user's computes; null where the request named none. */
  readonly slot: string | null;
  /** The earliest planned end; null where none is planned. */
  readonly endsAt: string | null;
  /** The seconds before that end at which its warning comes. */
  readonly warnBeforeEndSeconds: number;
  /** The store's time of this answer. A browser's clock may be wrong: measure `endsAt` against this one. */
  readonly now: string;
}

/** The facts of a planned end, as a browser reads them. */
export function endFacts(
  record: ComputeRecord,
  now: Date,
): Pick<ComputeSnapshot, "endsAt" | "warnBeforeEndSeconds" | "now"> {
  const ending = plannedEnd(record);
  return {
    endsAt: ending?.at.toISOString() ?? null,
    warnBeforeEndSeconds: ending === undefined ? record.warnBeforeEndSeconds : warningSeconds(record, ending),
    now: now.toISOString(),
  };
}

/** The parts of a handle that its JSON shows. */
type ShownCompute = ComputeFacts & {
  readonly costSoFar: number | null;
  readonly auth: ComputeAuth | undefined;
};

/** Converts a handle to its JSON. */
export function computeJson(compute: ShownCompute): ComputeJson {
  const { auth, costSoFar, createdAt, idleDeadline, lifetimeDeadline } = compute;
  return {
    ...pick(compute, plainFacts),
    ...defined({ auth: auth && { ...auth } }),
    costSoFar,
    createdAt: createdAt.toISOString(),
    idleDeadline: idleDeadline?.toISOString() ?? null,
    lifetimeDeadline: lifetimeDeadline?.toISOString() ?? null,
  };
}

function pick<From extends object, Key extends keyof From>(
  from: From,
  keys: readonly Key[],
): Pick<From, Key> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<From, Key>;
}
