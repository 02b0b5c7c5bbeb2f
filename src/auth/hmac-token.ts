import { createHmac } from "node:crypto";
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { field, parseFields } from "../internal/parse.ts";
import { isEqualInConstantTime } from "./constant-time.ts";
import { failClosed, secretField, usableSecrets } from "./options.ts";

/** The workspace and the thread that an HMAC token names. */
export interface HmacIdentity {
  readonly workspaceId: string;
  readonly threadId: string;
}

/** The options of {@link mintHmacToken}. */
export interface MintHmacTokenOptions extends HmacIdentity {
  /** The secret that the verifying side has too. */
  readonly secret: string;
}

/** The options of {@link verifyHmacToken}. */
export interface VerifyHmacTokenOptions {
  /** The secret the token was made with; several while it is being rotated. */
  readonly secret: string | readonly string[];
}

/** The answer of {@link verifyHmacToken}. */
export type HmacTokenVerification = ({ readonly ok: true } & HmacIdentity) | { readonly ok: false };

const id = field(
  z.string().check(z.refine((text) => isId(text))),
  "a string that is not empty and holds no dot, no NUL and no half of a surrogate pair",
);
const FIELDS = { secret: secretField, workspaceId: id, threadId: id };
const REFUSED: HmacTokenVerification = { ok: false };
const MAX_TOKEN_LENGTH = 4096;

/**
 * Makes a token that names a workspace and a thread and needs no store to be verified:
 * `<workspaceId>.<threadId>.<signature>`. It does not expire.
 *
 * @throws `VALIDATION` for an empty secret, for an id that is empty or holds a dot, a NUL or half a surrogate
 * pair, and for ids that make the token longer than 4096 characters.
 *
 * @example
 * ```ts
 * import { mintHmacToken, verifyHmacToken } from "atlas-compute/auth";
 *
 * const token = mintHmacToken({ secret: "secret", workspaceId: "ws_a", threadId: "thr_1" });
 * console.log(verifyHmacToken(token, { secret: "secret" })); // { ok: true, workspaceId: "ws_a", threadId: "thr_1" }
 * ```
 */
export function mintHmacToken(options: MintHmacTokenOptions): string {
  const { secret, workspaceId, threadId } = parseFields("The options of mintHmacToken", FIELDS, options);
  const token = `${workspaceId}.${threadId}.${signature({ workspaceId, threadId }, secret)}`;
  if (token.length <= MAX_TOKEN_LENGTH) return token;
  throw new AtlasError(
    "VALIDATION",
    `The ids make a token of ${token.length} characters; at most ${MAX_TOKEN_LENGTH} are allowed.`,
  );
}

/**
 * Reads the workspace and the thread from a token of {@link mintHmacToken}, if it is genuine. Compares in constant time and
 * never throws: any other value is `{ ok: false }`, and so is every token while no secret is set.
 *
 * @example
 * ```ts
 * import { verifyHmacToken } from "atlas-compute/auth";
 *
 * console.log(verifyHmacToken("ws_a.thr_1.forged", { secret: ["new secret", "old secret"] })); // { ok: false }
 * ```
 */
export function verifyHmacToken(candidate: unknown, options: VerifyHmacTokenOptions): HmacTokenVerification {
  return failClosed(() => {
    const token = parseToken(candidate);
    if (token === undefined) return REFUSED;
    const { signature: given, ...identity } = token;
    const matches = usableSecrets(options.secret).map((secret) =>
      isEqualInConstantTime(given, signature(identity, secret)),
    );
    return matches.includes(true) ? { ok: true, ...identity } : REFUSED;
  }, REFUSED);
}

function parseToken(candidate: unknown): (HmacIdentity & { signature: string }) | undefined {
  if (typeof candidate !== "string" || candidate.length > MAX_TOKEN_LENGTH) return undefined;
  const [workspaceId = "", threadId = "", signature = "", ...rest] = candidate.split(".");
  if (!isId(workspaceId) || !isId(threadId) || rest.length > 0) return undefined;
  return { workspaceId, threadId, signature };
}

function signature({ workspaceId, threadId }: HmacIdentity, secret: string): string {
  return createHmac("sha256", secret).update(`${workspaceId}\0${threadId}`).digest("hex");
}

/** Halves of surrogate pairs all have the same UTF-8 bytes, so one id could stand in for another. */
function isId(id: string): boolean {
  return id !== "" && id.isWellFormed() && !id.includes(".") && !id.includes("\0");
}
