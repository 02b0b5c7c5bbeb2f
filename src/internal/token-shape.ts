/** The forms of a token and of its hash, for every part that checks one. */

/** ASCII only, and no longer than any HTTP server lets a header be. */
const CANDIDATE = /^\p{ASCII}{1,4096}$/u;
const HASH = /^[0-9a-f]{64}$/;

/** True for a candidate that could be a token of any kind. Every other one is rejected before a question about it. */
export function isToken(candidate: unknown): candidate is string {
  return typeof candidate === "string" && CANDIDATE.test(candidate);
}

/** True for the stored form of a token: SHA-256 in lowercase hex. */
export function isTokenHash(candidate: unknown): candidate is string {
  return typeof candidate === "string" && HASH.test(candidate);
}
