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

export { anyOf } from "./authenticators/any-of.ts";
export type { Authenticator } from "./authenticators/authenticator.ts";
export { type CacheOptions, createCachedAuthenticator } from "./authenticators/cached.ts";
export { createHashAuthenticator, type HashAuthenticatorOptions } from "./authenticators/hash.ts";
export { createHmacAuthenticator, type HmacAuthenticatorOptions } from "./authenticators/hmac.ts";
export type { CachedAuthenticator } from "./authenticators/identity-cache.ts";
export {
  type ComputeIdentity,
  createRemoteAuthenticator,
  type ParseIdentity,
  type RemoteAuthenticatorOptions,
} from "./authenticators/remote.ts";
export {
  type HmacIdentity,
  type HmacTokenVerification,
  type MintHmacTokenOptions,
  mintHmacToken,
  type VerifyHmacTokenOptions,
  verifyHmacToken,
} from "./hmac-token.ts";
export { deriveSigningSecret, mintSigningSecret } from "./signed-url/secret.ts";
export { type SignUrlOptions, signUrl } from "./signed-url/sign.ts";
export {
  type SignedUrlRefusal,
  type SignedUrlVerification,
  type VerifySignedUrlOptions,
  verifySignedUrl,
} from "./signed-url/verify.ts";
export { hashToken, type MintedToken, mintToken, verifyToken } from "./token.ts";
