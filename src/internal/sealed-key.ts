/**
 * Encryption at rest of the provider keys that tenants entrust to a control plane: AES-256-GCM, bound to the row of the sealed text, so
 * that a text that was moved, cut or changed does not decrypt. Without the encryption key it cannot be read.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { AtlasError } from "../errors.ts";

/** `enc:v2:`, the id of the key that sealed, and the sealed bytes. */
const SEALED = /^enc:v2:([A-Za-z0-9_-]{8}):([A-Za-z0-9_-]+)$/;
/** Texts of the first version name no key. They can be read; {@link seal} makes none. */
const SEALED_BEFORE = /^enc:v1:([A-Za-z0-9_-]+)$/;
const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_KEYS = 10;

/** The variable that the keys come from, unless an application gives them otherwise. */
const ENCRYPTION_KEY_VARIABLE = "ATLAS_ENC_KEY";

interface EncryptionKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** The encryption keys: the first one seals, and each of them opens what it sealed. */
export type Keyring = readonly [EncryptionKey, ...EncryptionKey[]];

/**
 * Parses the encryption keys, separated by commas. Strictly, because Node ignores every other character in base64 without an error.
 * @throws KEY_UNAVAILABLE unless each is base64 of exactly 32 bytes.
 */
export function parseEncryptionKeys(text: unknown): Keyring {
  if (typeof text !== "string" || text === "") throw keyUnusable("it is not set");
  const [first = "", ...more] = text.split(",");
  if (more.length >= MAX_KEYS)
    throw keyUnusable(`it has ${more.length + 1} keys, and ${MAX_KEYS} are allowed`);
  return [parseKey(first), ...more.map(parseKey)];
}

function parseKey(text: string): EncryptionKey {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text)
    throw keyUnusable("it is not base64, with padding and nothing around it");
  if (bytes.length !== KEY_BYTES) throw keyUnusable(`it has ${bytes.length} bytes`);
  const id = createHash("sha256").update("atlas/encryption-key-id/v1\n").update(bytes).digest("base64url");
  return { id: id.slice(0, 8), key: createSecretKey(bytes) };
}

/** Seals a secret for the row with this id, with the first key: `enc:v2:<key id>:`, then base64url of nonce, ciphertext and tag. */
export function seal([{ id, key }]: Keyring, rowId: string, secret: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(id, rowId));
  const parts = [nonce, cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()];
  return `enc:v2:${id}:${Buffer.concat(parts).toString("base64url")}`;
}

/**
 * The secret in a text that {@link seal} made for this row, or its first version.
 * @throws KEY_UNAVAILABLE for every other text, and without the key that sealed it.
 */
export function unseal(keyring: Keyring, rowId: string, sealed: string): string {
  const [, keyId, text] = SEALED.exec(sealed) ?? [];
  if (keyId !== undefined && text !== undefined) {
    const known = keyring.find(({ id }) => id === keyId);
    if (known === undefined)
      throw unreadable(rowId, `it was sealed with the key ${keyId}, which is not there`);
    const secret = open(known.key, boundTo(keyId, rowId), text);
    if (secret !== undefined) return secret;
  }
  const [, before = ""] = SEALED_BEFORE.exec(sealed) ?? [];
  for (const { key } of keyring) {
    const secret = open(key, Buffer.from(rowId, "utf8"), before);
    if (secret !== undefined) return secret;
  }
  throw unreadable(rowId, "it was sealed with another key, moved here or changed");
}

/** True when the first key sealed this text: the others are not needed for it. */
export function isSealedByFirst([{ id }]: Keyring, sealed: string): boolean {
  return SEALED.exec(sealed)?.[1] === id;
}

/** The data that is authenticated with a sealed text. */
function boundTo(keyId: string, rowId: string): Buffer {
  return Buffer.from(`enc:v2\n${keyId}\n${rowId}`, "utf8");
}

function open(key: KeyObject, data: Buffer, text: string): string | undefined {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(data);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const first = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    return Buffer.concat([first, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function keyUnusable(problem: string): AtlasError {
  return new AtlasError(
    "KEY_UNAVAILABLE",
    `The encryption key ${ENCRYPTION_KEY_VARIABLE} cannot be used: ${problem}. It must be base64 of ${KEY_BYTES} bytes, or several of these with commas between; \`openssl rand -base64 ${KEY_BYTES}\` makes one`,
  );
}

function unreadable(rowId: string, problem: string): AtlasError {
  return new AtlasError(
    "KEY_UNAVAILABLE",
    `The secret stored under ${JSON.stringify(rowId)} cannot be decrypted: ${problem}. Add the key that sealed it to ${ENCRYPTION_KEY_VARIABLE}, or store the secret again`,
  );
}
