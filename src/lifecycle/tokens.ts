/** The tokens of a compute: finding it by one, and exchanging them while its pod runs. */
import * as z from "zod/mini";
import { hashToken, mintToken } from "../auth/index.ts";
import { AtlasError } from "../errors.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { isToken } from "../internal/token-shape.ts";
import type { ComputeRecord, Snapshot, TokenHash } from "../store.ts";
import type { Context } from "./context.ts";
import { changeRecord } from "./record/change.ts";
import { hasBegunToEnd, isEnded } from "./record/facts.ts";
import type { RecordChange } from "./record/patch.ts";
import { after } from "./record/time.ts";

/** Options of an exchange of tokens. */
export interface RotateOptions {
  /** Seconds that the old tokens stay valid beside the new one, 0 to 86400. @default 300 */
  readonly overlapSeconds?: number | undefined;
}

/** A new token. It is returned once and stored nowhere. */
export interface RotatedToken {
  readonly token: string;
  /** The hash, for the application to store. */
  readonly hash: string;
  /** `Authorization: Bearer <token>`. */
  readonly header: string;
}

const FIELDS = {
  overlapSeconds: optional(
    field(z.int().check(z.minimum(0), z.maximum(86_400)), "a whole number of seconds from 0 to 86400"),
  ),
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

/** Adds a new token and lets the old ones expire. See `Atlas.rotateToken`. @returns the token, and the record that accepts it */
export async function rotateToken(
  context: Context,
  id: string,
  options: RotateOptions = {},
): Promise<RotatedToken & { readonly record: ComputeRecord }> {
  const { overlapSeconds = 300 } = parseFields("The options of rotateToken", FIELDS, options);
  const { token, hash, header } = mintToken();
  const changed = await changeRecord(context, id, (record, now) => {
    requireBearer(record);
    const end = after(now, overlapSeconds);
    const old = record.tokens.filter((known) => isValid(known, now)).map((known) => ending(known, end));
    return changeOf([...old, { hash, kind: "user", expiresAt: null }], "rotated");
  });
  return { token, hash, header, record: changed };
}

/** Revokes every token of the user. See `Atlas.revokeToken`. */
export async function revokeToken(context: Context, id: string): Promise<ComputeRecord> {
  return changeRecord(context, id, (record) => {
    requireBearer(record);
    return changeOf(
      record.tokens.filter(({ kind }) => kind !== "user"),
      "revoked",
    );
  });
}

function changeOf(tokens: readonly TokenHash[], action: "rotated" | "revoked"): RecordChange {
  return { patch: { tokens }, event: { type: "token", data: { action } } };
}

function isValid({ expiresAt }: TokenHash, now: Date): boolean {
  return expiresAt === null || expiresAt > now;
}

function ending(token: TokenHash, end: Date): TokenHash {
  if (token.kind !== "user" || (token.expiresAt !== null && token.expiresAt < end)) return token;
  return { ...token, expiresAt: end };
}

function requireBearer({ id, status, authSchemes }: ComputeRecord): void {
  if (!authSchemes.includes("bearer"))
    throw new AtlasError("VALIDATION", `compute ${id} takes no bearer token: spawn it with auth: "bearer"`, {
      computeId: id,
    });
  if (hasBegunToEnd(status))
    throw new AtlasError("CONFLICT", `compute ${id} is ${status}: its tokens are no longer valid`, {
      computeId: id,
    });
}
