/**
 * Encryption at rest of the provider keys that tenants entrust to a control plane: AES-256-GCM, bound to the row of the sealed text, so
 * that a text that was moved, cut or changed does not decrypt. Without the encryption key it cannot be read.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { AtlasError } from "../errors.ts";

const VERSION = "enc:v1:";
const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The variable that the key comes from, unless an application gives it otherwise. */
export const ENCRYPTION_KEY_VARIABLE = "ATLAS_ENC_KEY";

/**
 * Parses the encryption key. Strictly, because Node ignores every other character in the text without an error.
 * @throws KEY_UNAVAILABLE unless it is base64 of exactly 32 bytes.
 */
export function parseEncryptionKey(text: unknown): KeyObject {
  if (typeof text !== "string" || text === "") throw keyUnusable("it is not set");
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text)
    throw keyUnusable("it is not base64, with padding and nothing around it");
  if (bytes.length !== KEY_BYTES) throw keyUnusable(`it has ${bytes.length} bytes`);
  return createSecretKey(bytes);
}

/** The text in which a secret is stored in the row with this id: `enc:v1:`, then base64url of nonce, ciphertext and tag. */
export function seal(key: KeyObject, rowId: string, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(rowId, "utf8"));
  const parts = [nonce, cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()];
  return VERSION + Buffer.concat(parts).toString("base64url");
}

/**
 * The secret in a text that {@link seal} made for this row.
 * @throws KEY_UNAVAILABLE for every other text, and with another key.
 */
export function unseal(key: KeyObject, rowId: string, sealed: string): string {
  const bytes = Buffer.from(sealed.slice(VERSION.length), "base64url");
  const isWhole = VERSION + bytes.toString("base64url") === sealed;
  if (!isWhole || bytes.length < NONCE_BYTES + TAG_BYTES) throw unreadable(rowId);
  try {
    return decrypt(key, rowId, bytes);
  } catch {
    throw unreadable(rowId);
  }
}

/** @throws Error when key, row or bytes are others than when it was sealed */
function decrypt(key: KeyObject, rowId: string, bytes: Buffer): string {
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(rowId, "utf8"));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
  return Buffer.concat(text).toString("utf8");
}

function keyUnusable(problem: string): AtlasError {
  return new AtlasError(
    "KEY_UNAVAILABLE",
    `The encryption key ${ENCRYPTION_KEY_VARIABLE} cannot be used: ${problem}. It must be base64 of ${KEY_BYTES} bytes; \`openssl rand -base64 ${KEY_BYTES}\` makes one`,
  );
}

function unreadable(rowId: string): AtlasError {
  return new AtlasError(
    "KEY_UNAVAILABLE",
    `The secret stored under ${JSON.stringify(rowId)} cannot be decrypted: it was sealed with another ${ENCRYPTION_KEY_VARIABLE}, moved here or changed. Set the key that sealed it, or store the secret again`,
  );
}
