/** The tokens of a compute: finding it by one, and exchanging them while its pod runs. */
import * as z from "zod/mini";
import { hashToken, mintToken } from "../auth/index.ts";
import { AtlasError } from "../errors.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { isToken } from "../internal/token-shape.ts";
import type { ComputeRecord, Snapshot, TokenHash } from "../store.ts";
import { type ActOptions, type By, toBy } from "./actor.ts";
import { byField } from "./by-field.ts";
import type { Context } from "./context.ts";
import { changeRecord } from "./record/change.ts";
import { hasBegunToEnd, isEnded } from "./record/facts.ts";
import type { RecordChange } from "./record/patch.ts";
import { after } from "./record/time.ts";

/** Options of an exchange of tokens. */
export interface RotateOptions extends ActOptions {
  /** Seconds that the old tokens stay valid beside the new one, 0 to 86400. @default 300 */
  readonly overlapSeconds?: number | undefined;
}

/** A new token, of a rotation or an addition. It is returned once and stored nowhere. */
export interface RotatedToken {
  readonly token: string;
  /** The hash, for the application to store. */
  readonly hash: string;
  /** `Authorization: Bearer <token>`. */
  readonly header: string;
}

/** The most live tokens of one compute. */
const MAX_TOKENS = 16;

const FIELDS = {
  overlapSeconds: optional(
    field(z.int().check(z.minimum(0), z.maximum(86_400)), "a whole number of seconds from 0 to 86400"),
  ),
  by: byField,
};

/** Finds the live compute that accepts this token. A candidate of any other type or form finds nothing. */
export async function findByToken(
  { store, namespace }: Context,
  candidate: unknown,
  kind: TokenHash["kind"],
): Promise<Snapshot | undefined> {
  if (!isToken(candidate)) return undefined;
  const found = await store.getByTokenHash(namespace, hashToken(candidate), kind);
  return found !== undefined && !isEnded(found.record.status) ? found : undefined;
}

/** Replaces the tokens by a new one, after an overlap. See `Atlas.rotateToken`. @returns the token, and the record that accepts it */
export async function rotateToken(
  context: Context,
  id: string,
  options: RotateOptions = {},
): Promise<RotatedToken & { readonly record: ComputeRecord }> {
  const { overlapSeconds = 300, ...by } = parseFields("The options of rotateToken", FIELDS, options);
  const { token, hash, header } = mintToken();
  const changed = await changeRecord(context, id, (record, now) => {
    requireBearer(record);
    const end = after(now, overlapSeconds);
    const old = record.tokens.filter((known) => isValid(known, now)).map((known) => ending(known, end));
    const patch = { tokens: [...old, { hash, kind: "user" as const, expiresAt: null }] };
    return { patch, event: tokenEvent(record, { action: "rotated", hash, ...by }) };
  });
  warnOfDeafPod(context, changed);
  return { token, hash, header, record: changed };
}

/** Adds a token and takes none back, but the oldest added one where there are too many. See `Atlas.addToken`. */
export async function addToken(
  context: Context,
  id: string,
): Promise<RotatedToken & { readonly record: ComputeRecord }> {
  const { token, hash, header } = mintToken();
  const changed = await changeRecord(context, id, (record, now) => {
    requireBearer(record);
    const live = withRoom(record.tokens.filter((known) => isValid(known, now)));
    const patch = { tokens: [...live, { hash, kind: "user" as const, expiresAt: null, isAdded: true }] };
    return { patch, event: tokenEvent(record, { action: "added", hash }) };
  });
  warnOfDeafPod(context, changed);
  return { token, hash, header, record: changed };
}

/**
 * Takes back every token of the user, and with the signing secret every link, signed URL and cookie. A pod without a control plane never hears
 * of another secret, so its generation stays. See `Atlas.revokeToken`.
 */
export async function revokeToken(
  context: Context,
  id: string,
  options?: ActOptions,
): Promise<ComputeRecord> {
  const by = toBy("revokeToken", options);
  const changed = await changeRecord(context, id, (record) => {
    requireAuth(record);
    const tokens = record.tokens.filter(({ kind }) => kind !== "user");
    const generation = record.generation + (tokens.length > 0 ? 1 : 0);
    return {
      patch: { tokens, generation },
      event: tokenEvent(record, { action: "revoked", hash: null, ...by }),
    };
  });
  warnOfDeafPod(context, changed);
  return changed;
}

/** The event of a change. An application that keeps a hash can keep it true by `hash`, the token that is new; null when none is valid any more. */
function tokenEvent(
  record: ComputeRecord,
  facts: By & { readonly action: "rotated" | "added" | "revoked"; readonly hash: string | null },
): NonNullable<RecordChange["event"]> {
  return { type: "token", data: { ...facts, ...(hearsOfTokens(record) ? {} : { message: DEAF }) } };
}

const DEAF =
  "the pod started without a controlUrl, so a guard in it does not learn of this change: it accepts the token of its start, and no other, until the pod ends";

/** True for a pod that has a credential for the control plane. */
function hearsOfTokens({ tokens }: ComputeRecord): boolean {
  return tokens.some(({ kind }) => kind === "pod");
}

/** Names a change that verifies here and does not reach the pod. */
function warnOfDeafPod({ logger }: Context, record: ComputeRecord): void {
  if (hearsOfTokens(record)) return;
  logger.warn(`the tokens of compute ${record.id} changed: ${DEAF}`, { computeId: record.id });
}

/** Leaves out the oldest added tokens until there is room for one more. */
function withRoom(tokens: readonly TokenHash[]): readonly TokenHash[] {
  const excess = tokens.filter(({ kind }) => kind === "user").length + 1 - MAX_TOKENS;
  const leaving = new Set(tokens.filter(({ isAdded }) => isAdded === true).slice(0, Math.max(0, excess)));
  return tokens.filter((token) => !leaving.has(token));
}

function isValid({ expiresAt }: TokenHash, now: Date): boolean {
  return expiresAt === null || expiresAt > now;
}

function ending(token: TokenHash, end: Date): TokenHash {
  if (token.kind !== "user" || (token.expiresAt !== null && token.expiresAt < end)) return token;
  return { ...token, expiresAt: end };
}

function requireBearer(record: ComputeRecord): void {
  requireAuth(record);
  const { id: computeId, authSchemes } = record;
  if (!authSchemes.includes("bearer"))
    throw new AtlasError(
      "VALIDATION",
      `compute ${computeId} takes no bearer token: spawn it with auth: "bearer"`,
      { computeId },
    );
}

function requireAuth({ id: computeId, status, authSchemes }: ComputeRecord): void {
  if (authSchemes.length === 0)
    throw new AtlasError(
      "VALIDATION",
      `compute ${computeId} has no protection: spawn it with auth: "bearer"`,
      {
        computeId,
      },
    );
  if (hasBegunToEnd(status))
    throw new AtlasError("CONFLICT", `compute ${computeId} is ${status}: its tokens are no longer valid`, {
      computeId,
    });
}
