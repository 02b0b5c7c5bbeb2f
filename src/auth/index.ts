/**
 * Credentials of a pod and how to check them: bearer tokens of which only a hash is kept, signed URLs that
 * expire, and HMAC tokens that name their holder. Synchronous, on `node:crypto` alone.
 *
 * A verifier answers and never throws, whatever it is given. What makes a credential throws an `AtlasError`
 * with the code `VALIDATION` when it is asked for something that would be unsafe.
 *
 * Authenticators say who presents a credential, and for that may have to ask somebody: a table of hashes, or another service.
 *
 * @module
 */

export { anyOf } from "./any-of.ts";
export type { Authenticator } from "./authenticator.ts";
export { type CacheOptions, createCachedAuthenticator } from "./cached-authenticator.ts";
export { createHashAuthenticator, type HashAuthenticatorOptions } from "./hash-authenticator.ts";
export { createHmacAuthenticator, type HmacAuthenticatorOptions } from "./hmac-authenticator.ts";
export {
  type HmacIdentity,
  type HmacTokenVerification,
  type MintHmacTokenOptions,
  mintHmacToken,
  type VerifyHmacTokenOptions,
  verifyHmacToken,
} from "./hmac-token.ts";
export type { CachedAuthenticator } from "./identity-cache.ts";
export {
  type ComputeIdentity,
  createRemoteAuthenticator,
  type ParseIdentity,
  type RemoteAuthenticatorOptions,
} from "./remote-authenticator.ts";
export { type SignUrlOptions, signUrl } from "./sign-url.ts";
export { deriveSigningSecret, mintSigningSecret } from "./signing-secret.ts";
export { hashToken, type MintedToken, mintToken, verifyToken } from "./token.ts";
export {
  type SignedUrlRefusal,
  type SignedUrlVerification,
  type VerifySignedUrlOptions,
  verifySignedUrl,
} from "./verify-signed-url.ts";
