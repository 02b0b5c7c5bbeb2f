/**
 * Credentials of a pod and their verification: bearer tokens of which only a hash is kept, signed URLs and
 * folders that expire, links that open a tab, and HMAC tokens that name their holder. Synchronous, on `node:crypto`.
 *
 * A verifier answers and never throws, for a value of any type. A function that makes a credential throws an `AtlasError`
 * with the code `VALIDATION` when its result would be unsafe.
 *
 * Authenticators tell the holder of a credential, and may ask a table of hashes or another service for it.
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
export {
  type CookieUse,
  type CookieVerification,
  cookieMayAct,
  type MintCookieOptions,
  mintCookie,
  type VerifyCookieOptions,
  verifyCookie,
} from "./links/cookie.ts";
export { generationSecret } from "./links/keys.ts";
export {
  type OpeningLinkVerification,
  type SignOpeningLinkOptions,
  signOpeningLink,
  type VerifyOpeningLinkOptions,
  verifyOpeningLink,
} from "./links/opening.ts";
export {
  type SignedPrefixVerification,
  type SignPrefixOptions,
  signPrefix,
  type VerifySignedPrefixOptions,
  verifySignedPrefix,
} from "./links/prefix.ts";
export { deriveSigningSecret, mintSigningSecret } from "./signed-url/secret.ts";
export { type SignUrlOptions, signUrl } from "./signed-url/sign.ts";
export {
  type SignedUrlRefusal,
  type SignedUrlVerification,
  type VerifySignedUrlOptions,
  verifySignedUrl,
} from "./signed-url/verify.ts";
export { hashToken, type MintedToken, mintToken, verifyToken } from "./token.ts";
