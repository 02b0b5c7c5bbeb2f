import { randomBytes, timingSafeEqual } from "node:crypto";
import { AtlasError } from "../errors.ts";
import { isToken, isTokenHash } from "../internal/token-shape.ts";
import { sha256 } from "./constant-time.ts";

/** The result of {@link mintToken}. Hand out `token` once, keep only `hash`. */
export interface MintedToken {
  /** The secret: 32 random bytes, base64url without padding, 43 characters, of which the first is a letter or digit. */
  readonly token: string;
  /** The form that may be stored: {@link hashToken} of the token. */
  readonly hash: string;
  /** The whole header line that presents the token, `Authorization: Bearer …`. */
  readonly header: string;
  /** The variable by which the pod recognises the token. */
  readonly env: { readonly ATLAS_PRESHARED_KEY: string };
}

/**
 * Makes a new bearer token.
 *
 * @example
 * ```ts
 * import { mintToken, verifyToken } from "atlas-compute/auth";
 *
 * const { token, hash } = mintToken();
 * console.log(token.length); // 43
 * console.log(verifyToken(token, hash)); // true
 * ```
 */
export function mintToken(): MintedToken {
  const token = newToken();
  return {
    token,
    hash: hashToken(token),
    header: `Authorization: Bearer ${token}`,
    env: { ATLAS_PRESHARED_KEY: token },
  };
}

/** Draws again until the first character is a letter or digit, so that no shell takes a token for an option. */
function newToken(): string {
  const token = randomBytes(32).toString("base64url");
  return /^[A-Za-z0-9]/.test(token) ? token : newToken();
}

/**
 * The form in which a token is stored: SHA-256 of its UTF-8 text, 64 lowercase hex digits. A token has 256
 * random bits, so a slow hash would add nothing.
 *
 * @throws `VALIDATION` when the token is not a string.
 *
 * @example
 * ```ts
 * import { hashToken } from "atlas-compute/auth";
 *
 * console.log(hashToken("openfn-apollo-test-token").slice(0, 8)); // "58bf5a6b"
 * ```
 */
export function hashToken(token: string): string {
  if (typeof token !== "string") {
    throw new AtlasError("VALIDATION", `hashToken needs the token as a string, not as ${typeof token}.`);
  }
  return sha256(token).toString("hex");
}

/**
 * Compares a candidate with the token behind a hash, in constant time. Never throws: a candidate that is not a
 * string, is empty, has more than 4096 characters or any outside ASCII is `false`, and so is every candidate
 * against a hash that is not 64 lowercase hex digits.
 *
 * @example
 * ```ts
 * import { mintToken, verifyToken } from "atlas-compute/auth";
 *
 * const { token, hash } = mintToken();
 * console.log(verifyToken(token, hash)); // true
 * console.log(verifyToken(undefined, hash)); // false
 * ```
 */
export function verifyToken(candidate: unknown, hash: unknown): boolean {
  if (!isToken(candidate)) return false;
  if (!isTokenHash(hash)) return false;
  return timingSafeEqual(sha256(candidate), Buffer.from(hash, "hex"));
}
