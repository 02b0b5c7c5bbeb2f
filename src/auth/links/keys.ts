/** The keys that follow from a compute's signing secret: one for each generation, and one for each kind of link. */
import * as z from "zod/mini";
import { BoundedMap } from "../../internal/bounded-map.ts";
import { field, parseFields } from "../../internal/parse.ts";
import { isEqualInConstantTime } from "../constant-time.ts";
import { nodeCrypto } from "../node-crypto.ts";
import { secretField, usableSecrets } from "../options.ts";

/** The credentials that have a key of their own, so that no signature of one passes for another. */
export type LinkKind = "prefix" | "open" | "cookie";

const KEY_BYTES = 32;
/** A verifier sees few secrets, and derives from each again and again. */
const MAX_KEYS = 64;

const FIELDS = {
  secret: secretField,
  generation: field(z.int().check(z.minimum(0)), "a whole number from 0"),
};

const keys = new BoundedMap<string, Buffer>(MAX_KEYS);

/**
 * The signing secret of a compute in a generation. Each `revokeToken` begins the next generation, which ends every link, signed URL and
 * cookie of the ones before. Generation 0 is the secret itself.
 *
 * @throws `VALIDATION` for an empty secret, or a generation that is not a whole number from 0.
 *
 * @example
 * ```ts
 * import { generationSecret } from "atlas-compute/auth";
 *
 * console.log(generationSecret("test-secret", 1)); // "M95aiS6GmFZxoYdvPm_fB-wypSKDI5J5-KnYPd3i59w"
 * ```
 */
export function generationSecret(secret: string, generation: number): string {
  const parsed = parseFields("The arguments of generationSecret", FIELDS, { secret, generation });
  if (parsed.generation === 0) return parsed.secret;
  return derive(parsed.secret, `atlas/generation/v1/${parsed.generation}`).toString("base64url");
}

/** Signs the lines of a message with the key of a kind of link: 43 characters of base64url. */
export function linkSignature(kind: LinkKind, lines: readonly string[], secret: string): string {
  const message = [`atlas/${kind}/v1`, ...lines].join("\n");
  return nodeCrypto().createHmac("sha256", keyOf(kind, secret)).update(message).digest("base64url");
}

/** True when one of the secrets made this signature. Compares with all of them, in constant time. */
export function isLinkSigned(
  kind: LinkKind,
  lines: readonly string[],
  sig: string,
  secret: string | readonly string[],
): boolean {
  const matches = usableSecrets(secret).map((one) =>
    isEqualInConstantTime(sig, linkSignature(kind, lines, one)),
  );
  return matches.includes(true);
}

function keyOf(kind: LinkKind, secret: string): Buffer {
  const name = `${kind} ${secret}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = derive(secret, `atlas/${kind}/v1`);
  keys.set(name, key);
  return key;
}

function derive(secret: string, info: string): Buffer {
  return Buffer.from(nodeCrypto().hkdfSync("sha256", secret, "", info, KEY_BYTES));
}
