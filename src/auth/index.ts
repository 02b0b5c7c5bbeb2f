/**
 * Credentials of a pod and how to check them: bearer tokens of which only a hash is kept, signed URLs that
 * expire, and HMAC tokens that name their holder. Synchronous, on `node:crypto` alone.
 *
 * A verifier answers and never throws, whatever it is given. What makes a credential throws an `AtlasError`
 * with the code `VALIDATION` when it is asked for something that would be unsafe.
 *
 * @module
 */

export {
  type HmacIdentity,
  type HmacTokenVerification,
  type MintHmacTokenOptions,
  mintHmacToken,
  type VerifyHmacTokenOptions,
  verifyHmacToken,
} from "./hmac-token.ts";
export { type SignUrlOptions, signUrl } from "./sign-url.ts";
export { deriveSigningSecret, mintSigningSecret } from "./signing-secret.ts";
export { hashToken, type MintedToken, mintToken, verifyToken } from "./token.ts";
export {
  type SignedUrlRefusal,
  type SignedUrlVerification,
  type VerifySignedUrlOptions,
  verifySignedUrl,
} from "./verify-signed-url.ts";
