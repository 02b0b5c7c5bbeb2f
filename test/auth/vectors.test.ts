import { describe, expect, it } from "vitest";
import {
  deriveSigningSecret,
  hashToken,
  mintHmacToken,
  signUrl,
  verifyHmacToken,
  verifySignedUrl,
} from "../../src/auth/index.ts";
import vectors from "../vectors/auth.json" with { type: "json" };

const { secret, now, expiresInSeconds } = vectors;

function outcome(url: string, at: number): string {
  const verification = verifySignedUrl(url, { secret, now: at });
  return verification.ok ? "ok" : verification.reason;
}

/** A URL without its query, and its parameters in any order and encoding. */
function parametersOf(url: string): unknown {
  const [beforeQuery, query] = url.split("?");
  const parameters = [...new URLSearchParams(query)].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return [beforeQuery, parameters];
}

describe("the pinned vectors", () => {
  it.each(vectors.signed_urls)("sign $url", ({ url, signed }) => {
    expect(parametersOf(signUrl(url, { secret, now, expiresInSeconds }))).toEqual(parametersOf(signed));
  });

  it.each(vectors.signed_urls)("verify $signed", ({ signed }) => {
    expect(verifySignedUrl(signed, { secret, now })).toEqual({ ok: true, expiresAt: now + expiresInSeconds });
  });

  it.each(vectors.verify)("judge $url at $now as $result", ({ url, now: at, result }) => {
    expect(outcome(url, at)).toBe(result);
  });

  it.each(vectors.stricter_than_exatlas)("judge $url as $result: $why", ({ url, now: at, result }) => {
    expect(outcome(url, at)).toBe(result);
  });

  it.each(vectors.hashes)("hash the token '$token'", ({ token, hash }) => {
    expect(hashToken(token)).toBe(hash);
  });

  it.each(vectors.hmac_tokens)("mint and verify the HMAC token of $workspace and $thread", (vector) => {
    const identity = { workspaceId: vector.workspace, threadId: vector.thread };
    expect(mintHmacToken({ secret: vector.secret, ...identity })).toBe(vector.token);
    expect(verifyHmacToken(vector.token, { secret: vector.secret })).toEqual({ ok: true, ...identity });
  });

  it.each(vectors.derived_signing_secrets)("derive the signing secret of $computeId", (vector) => {
    expect(deriveSigningSecret(vector.signingKey, vector.computeId)).toBe(vector.secret);
  });
});
