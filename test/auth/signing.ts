import { createHmac } from "node:crypto";
import { type SignedUrlVerification, type SignUrlOptions, verifySignedUrl } from "../../src/auth/index.ts";

export const secret = "test-secret";
export const now = 1_700_000_000;
export const signing: SignUrlOptions = { secret, now, expiresInSeconds: 60 };

export const valid: SignedUrlVerification = { ok: true, expiresAt: now + 60 };
export const malformed: SignedUrlVerification = { ok: false, reason: "malformed" };
export const badSignature: SignedUrlVerification = { ok: false, reason: "bad_signature" };

/** Verifies a URL of `signing` in the second of its signature. */
export function verify(url: unknown): unknown {
  return verifySignedUrl(url, { secret, now });
}

/** What the server reads in its request line when a browser opens the URL. */
export function sentByBrowser(url: string): string {
  const { pathname, search } = new URL(url.replace(/^\//, "http://pod/"));
  return pathname + search;
}

/** A URL signed by a program that has the secret and breaks the rules. */
export function signedByHand(path: string, query: string): string {
  const sig = createHmac("sha256", secret).update(`${path}?${query}`).digest("base64url");
  return `${path}?${query}&sig=${sig}`;
}
