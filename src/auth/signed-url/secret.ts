import { AtlasError } from "../../errors.ts";
import { nodeCrypto } from "../node-crypto.ts";

const SECRET_BYTES = 32;
const ID_BYTES = 8;
const SIGNING_KEY_BYTES = 32;

/**
 * Makes a random secret to sign URLs with: 32 bytes, base64url without padding.
 *
 * @example
 * ```ts
 * import { mintSigningSecret, signUrl } from "atlas-compute/auth";
 *
 * console.log(signUrl("/video.m3u8", { secret: mintSigningSecret() }));
 * ```
 */
export function mintSigningSecret(): string {
  return nodeCrypto().randomBytes(SECRET_BYTES).toString("base64url");
}

/**
 * The signing secret of one compute, derived from the application's signing key, so that the application can
 * sign for the compute at any time and stores no secret. HKDF-SHA256 (RFC 5869) without salt, with
 * `atlas/signing-secret/v1/<compute id>` as info.
 *
 * @param signingKey - A string of 32 UTF-8 bytes or more.
 * @param computeId - The compute's id.
 * @throws `VALIDATION` when the key is too short or the id is empty.
 *
 * @example
 * ```ts
 * import { deriveSigningSecret } from "atlas-compute/auth";
 *
 * const secret = deriveSigningSecret("0123456789abcdef0123456789abcdef", "atlascompute12345678");
 * console.log(secret); // "ZZTlE9qXgtGs4qmzF57dBCvf2kd8fYGWYCYAXM37vhg"
 * ```
 */
export function deriveSigningSecret(signingKey: string, computeId: string): string {
  requireSigningKey(signingKey);
  if (typeof computeId !== "string" || computeId === "") {
    throw new AtlasError(
      "VALIDATION",
      "deriveSigningSecret needs the compute's id: a string that is not empty.",
    );
  }
  const info = `atlas/signing-secret/v1/${computeId}`;
  return Buffer.from(nodeCrypto().hkdfSync("sha256", signingKey, "", info, SECRET_BYTES)).toString(
    "base64url",
  );
}

/** A fingerprint of a signing key, by which a record names its key. It reveals nothing of the key. */
export function signingKeyId(signingKey: string): string {
  requireSigningKey(signingKey);
  const bytes = nodeCrypto().hkdfSync("sha256", signingKey, "", "atlas/signing-key-id/v1", ID_BYTES);
  return Buffer.from(bytes).toString("hex");
}

function requireSigningKey(signingKey: unknown): void {
  const size = typeof signingKey === "string" ? Buffer.byteLength(signingKey) : 0;
  if (size >= SIGNING_KEY_BYTES) return;
  throw new AtlasError(
    "VALIDATION",
    `The signing key must be a string of ${SIGNING_KEY_BYTES} bytes or more; this one has ${size}.`,
  );
}
