/** The facts that a store keeps about one compute: its record, and the events of its life. */
import type { Port } from "./provider.ts";

/** The state of a compute. */
export type ComputeStatus =
  | "pending"
  | "provisioning"
  | "running"
  | "stopped"
  | "uncertain"
  | "terminating"
  | "terminated"
  | "failed";

/** The states in which a compute may still cost money. Limits count exactly these. */
export const liveStatuses: readonly ComputeStatus[] = [
  "pending",
  "provisioning",
  "running",
  "stopped",
  "uncertain",
  "terminating",
];

/** The reason for the end of a compute. */
export type EndReason =
  | "requested"
  | "idle"
  | "max_lifetime"
  | "boot_timeout"
  | "vanished"
  | "abandoned"
  | "orphan"
  | "failed"
  | "exited"
  | "stopped_by_provider"
  | "budget";

/** The protection of a pod's port. */
export type AuthScheme = "bearer" | "signed-url" | "cookie";

/** A token that is accepted, by its hash; the token itself is stored nowhere. */
export interface TokenHash {
  /** SHA-256 of the token, lowercase hex. */
  readonly hash: string;
  /** `user`: opens the pod. `pod`: the pod's own credential for calling the control plane. */
  readonly kind: "user" | "pod";
  /** When it stops being accepted; null for the life of the compute. */
  readonly expiresAt: Date | null;
  /** True for a token that was added for a further browser. The oldest of these makes room for the next one. */
  readonly isAdded?: boolean;
}

/** The stored facts about one compute. Holds no secret. Times are the store's. */
export interface ComputeRecord {
  /** 20 characters of `0-9a-z`. */
  readonly id: string;
  readonly namespace: string;
  /** The instance's exact name at the provider. */
  readonly name: string;
  /** Rises by one with every change. */
  readonly version: number;
  readonly provider: string;
  readonly providerId: string | null;
  readonly status: ComputeStatus;
  readonly reason: EndReason | null;
  readonly userId: string | null;
  /** The name of this one among the user's computes; null for a compute without a slot. Of a user's live computes at most one has it. */
  readonly slot: string | null;
  /** The tenant of a shared control plane on whose provider key this runs; null outside of one. */
  readonly tenantId: string | null;
  readonly gpu: string | null;
  readonly gpuCount: number;
  readonly region: string | null;
  readonly ports: readonly Port[];
  readonly authSchemes: readonly AuthScheme[];
  /** Rises by one with every `revokeToken`: the signing secret of each generation is another one. */
  readonly generation: number;
  /**
   * The signing key from which the signing secret is derived, by its fingerprint. Null: a random secret, or none. Empty: a record of a
   * version that did not store it.
   */
  readonly signingKeyId: string | null;
  readonly tokens: readonly TokenHash[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly idempotencyKey: string | null;
  /** Fingerprint of the request, to tell a repeated call from another one under the same key; empty without a key. */
  readonly requestHash: string;
  /** US dollars per hour it costs now, or would cost on the candidate being tried; null when not known. */
  readonly costPerHour: number | null;
  /** US dollars spent up to `costSince`. */
  readonly costBefore: number;
  /** The time since which `costPerHour` counts; null while nothing costs. */
  readonly costSince: Date | null;
  /** When a part of its cost was settled first, in the ledger; null before. */
  readonly settledAt: Date | null;
  readonly idleTimeoutSeconds: number | null;
  readonly maxLifetimeSeconds: number | null;
  /** The most seconds that an extension can bring the lifetime to; null: `maxLifetimeSeconds`. */
  readonly maxExtendedLifetimeSeconds: number | null;
  /** Seconds from the create to `running`; null: the provider's. */
  readonly bootTimeoutSeconds: number | null;
  /** Seconds before a planned end at which its warning comes. */
  readonly warnBeforeEndSeconds: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastActiveAt: Date;
  /** When the provider's create was sent last, and once it answered, when it did: lags count from then. Null before. */
  readonly placedAt: Date | null;
  readonly endedAt: Date | null;
  /** When a look first missed its instance, which no look has seen since; null while it is where it belongs. */
  readonly absentSince: Date | null;
  /** When a stop or start of ours was sent last: an answer from before it is no news. Null before. */
  readonly actedAt: Date | null;
  /** When the pod first answered since it was created or started; null before. Until then, waiting keeps the compute from idling. */
  readonly answeredAt: Date | null;
  /** When a look at its instance was begun last; null before. */
  readonly lookedAt: Date | null;
  /** The number of looks in a row without a change of state: each makes the pause before the next one longer. */
  readonly looks: number;
  /** The planned end that a warning was written of last; null before. */
  readonly warnedEnd: Date | null;
  readonly bootDeadline: Date | null;
  readonly idleDeadline: Date | null;
  readonly lifetimeDeadline: Date | null;
  /** When the month's budget ends, if that is near; else null. */
  readonly budgetDeadline: Date | null;
  /** The next time for any other work: a try to repeat, an instance to check. */
  readonly checkAt: Date | null;
  /** The earliest of the five times above and of the next warning, or `checkAt` alone while a task that failed is put off; null: never. The one column a reaper searches. */
  readonly dueAt: Date | null;
  /** The claim that works on the record now; no other claim may before `leaseUntil`. */
  readonly lease: string | null;
  readonly leaseUntil: Date | null;
  /** The number of failures of the present task in a row. */
  readonly attempts: number;
  /** The last failure, in words without secrets. */
  readonly lastError: string | null;
  /** The last of each kind of report that the pod sent, by kind. */
  readonly reports: Readonly<Record<string, unknown>>;
}

/** A record, and the store's time at which it was read. */
export interface Snapshot {
  readonly record: ComputeRecord;
  readonly now: Date;
}

/** Something that happened to a compute, as it is written. */
export interface NewEvent {
  /** `state`: its status changed. `report`: its pod reported. `token`: what it accepts changed. `note`: something to know. `ending-soon`: a planned end is near. */
  readonly type: "state" | "report" | "token" | "note" | "ending-soon";
  readonly status: ComputeStatus;
  readonly reason: EndReason | null;
  /** US dollars spent so far; null when not known. */
  readonly costSoFar: number | null;
  /** Facts without secrets. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Something that happened to a compute, as it is read. */
export interface ComputeEvent extends NewEvent {
  /** Decimal digits; of two events of one compute the later has the greater. Resume after it. */
  readonly id: string;
  readonly computeId: string;
  readonly at: Date;
}

/** True when a compute in this state may still cost money. */
export function isLive(status: ComputeStatus): boolean {
  return liveStatuses.includes(status);
}

/** The cost of a compute until then in US dollars, as far as its price is known. */
export function costSoFar(record: ComputeRecord, now: Date): number {
  if (record.costSince === null || record.costPerHour === null) return record.costBefore;
  const hours = Math.max(0, now.getTime() - record.costSince.getTime()) / 3_600_000;
  return record.costBefore + hours * record.costPerHour;
}
