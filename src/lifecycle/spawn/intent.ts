/** The record that is written before the provider is called, and its match with an earlier call under the same idempotency key. */
import { createHmac } from "node:crypto";
import { AtlasError } from "../../errors.ts";
import { canonicalJson } from "../../internal/json.ts";
import { instanceName } from "../../internal/names.ts";
import type { ParsedRequest } from "../../request.ts";
import { addedTimes, withoutTimes } from "../../request-times.ts";
import type { ComputeRecord } from "../../store.ts";
import type { Context } from "../context.ts";
import { createGraceSeconds } from "../find-instance.ts";
import { after, earliest } from "../record/time.ts";
import type { Placement } from "./candidates.ts";
import { type ComputeSecrets, signingKeyIdOf, tokenHashes } from "./secrets.ts";
import type { Spawned } from "./state.ts";

/** The parts of an intent. */
export interface IntentParts {
  readonly id: string;
  readonly now: Date;
  readonly request: ParsedRequest;
  readonly requestHash: string;
  readonly first: Placement;
  readonly secrets: ComputeSecrets;
}

/** The record of a compute that is about to be created on its first candidate. */
export function newIntent(context: Context, parts: IntentParts): ComputeRecord {
  const { id, now, request, requestHash, first, secrets } = parts;
  const lifetimeDeadline = after(now, request.maxLifetimeSeconds);
  const placed = placedPatch(context, first, now);
  return {
    id,
    namespace: context.namespace,
    name: instanceName(context.namespace, id),
    version: 1,
    providerId: null,
    status: "pending",
    reason: null,
    userId: request.userId,
    slot: request.slot,
    tenantId: context.tenantId,
    gpuCount: request.gpuCount,
    ports: request.ports,
    authSchemes: request.auth,
    generation: 0,
    signingKeyId: signingKeyIdOf(request.auth, context),
    tokens: tokenHashes(secrets),
    metadata: request.metadata,
    idempotencyKey: request.idempotencyKey,
    requestHash,
    costBefore: 0,
    settledAt: null,
    idleTimeoutSeconds: request.idleTimeoutSeconds,
    maxLifetimeSeconds: request.maxLifetimeSeconds,
    maxExtendedLifetimeSeconds: request.maxExtendedLifetimeSeconds,
    bootTimeoutSeconds: request.bootTimeoutSeconds,
    warnBeforeEndSeconds: request.warnBeforeEndSeconds,
    actedAt: null,
    answeredAt: null,
    lookedAt: null,
    looks: 0,
    warnedEnd: null,
    createdAt: now,
    updatedAt: now,
    lastActiveAt: now,
    endedAt: null,
    absentSince: null,
    bootDeadline: null,
    idleDeadline: null,
    lifetimeDeadline,
    budgetDeadline: null,
    dueAt: earliest(lifetimeDeadline, placed.checkAt),
    lease: null,
    leaseUntil: null,
    attempts: 0,
    lastError: null,
    reports: {},
    ...placed,
  };
}

/** The fields of a record that name the candidate that it is being created on. */
type Placed = Pick<
  ComputeRecord,
  "provider" | "gpu" | "region" | "costPerHour" | "costSince" | "placedAt" | "checkAt"
>;

/** The patch of a record that is being created on a placement. Its cost counts from here, once the instance is known to exist. */
export function placedPatch(context: Context, { provider, candidate }: Placement, now: Date): Placed {
  return {
    provider: provider.name,
    gpu: candidate.gpu ?? null,
    region: candidate.region ?? null,
    costPerHour: candidate.costPerHour ?? null,
    costSince: null,
    placedAt: now,
    checkAt: after(now, createGraceSeconds(context, provider)),
  };
}

/** A fingerprint that tells apart two requests under the same idempotency key; empty without a key. It is keyed, because the env holds secrets. */
export function fingerprint(owner: string, { idempotencyKey, slot, ...request }: ParsedRequest): string {
  if (idempotencyKey === null) return "";
  // A request without the fields that came later has the fingerprint that versions without them gave it.
  const later = Object.entries({ ...addedTimes(request), slot }).filter(([, value]) => value !== null);
  const { idleTimeoutSeconds, maxLifetimeSeconds } = request;
  const asked = {
    ...withoutTimes(request),
    idleTimeoutSeconds,
    maxLifetimeSeconds,
    ...Object.fromEntries(later),
  };
  return createHmac("sha256", owner).update(canonicalJson(asked)).digest("hex");
}

/** The result of an earlier call under the same key, without its secrets. @throws CONFLICT when that call had another request */
export function repeated(record: ComputeRecord, requestHash: string): Spawned {
  if (record.requestHash === requestHash) return { record, secrets: {}, raw: undefined, isNew: false };
  throw new AtlasError(
    "CONFLICT",
    `idempotencyKey ${JSON.stringify(record.idempotencyKey)} was used for another request, compute ${record.id}: use a new key`,
    { computeId: record.id },
  );
}
