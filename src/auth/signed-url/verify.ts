import { isEqualInConstantTime } from "../constant-time.ts";
import { isReserved, safePath } from "../links/safe-path.ts";
import { failClosed, usableSecrets } from "../options.ts";
import { formatQuery, type Parameter, parseQuery, splitUrl } from "./canonical.ts";
import { MAX_URL_LENGTH, signature, toUnixSeconds } from "./signature.ts";

/** The options of {@link verifySignedUrl}. */
export interface VerifySignedUrlOptions {
  /** The secret the URL was signed with; several while it is being rotated. */
  readonly secret: string | readonly string[];
  /**
   * The time to judge by, a `Date` or Unix seconds.
   * @default now
   */
  readonly now?: Date | number;
}

/**
 * The reason why a signed URL is refused: a `malformed` one is not a signed URL at all, an `expired` one was perhaps valid once,
 * a `bad_signature` was changed or signed with another secret. Expiry is judged before the signature, so
 * `expired` does not say that the URL was ever genuine: tell a caller no more than "401".
 */
export type SignedUrlRefusal = "expired" | "bad_signature" | "malformed";

/** The answer of {@link verifySignedUrl}; `expiresAt` is in Unix seconds, the last one at which the URL is valid. */
export type SignedUrlVerification =
  | { readonly ok: true; readonly expiresAt: number }
  | { readonly ok: false; readonly reason: SignedUrlRefusal };

interface SignedRequest {
  readonly path: string;
  /** The signed parameters, in canonical form. */
  readonly query: string;
  readonly exp: string;
  readonly sig: string;
}

const MAX_EXP_DIGITS = 16;
const EXP = /^[1-9][0-9]*$/;

/**
 * Checks that a URL from {@link signUrl} is genuine and still valid: the whole URL, or only the path and query that
 * a server sees. Compares in constant time and never throws: a value that is not a URL is `malformed`, without a
 * secret every URL is a `bad_signature`, and with a `now` that is not a time every URL is `expired`.
 *
 * The path must come as it was signed, or in another escaping of the same safe path: `/me%40home.png` and `/me@home.png` are one. A
 * router that does not resolve `/a/../b` must not be led to `/a` by a signature over `/b`, so such a path is compared character by
 * character. The guard's own paths are `malformed`. A path with a `#` is `malformed`: no browser sends one, and
 * servers disagree about what follows it. (In a whole URL the fragment is left out.)
 *
 * @example
 * ```ts
 * import { signUrl, verifySignedUrl } from "atlas-compute/auth";
 *
 * const url = signUrl("/video.m3u8", { secret: "old secret" });
 * console.log(verifySignedUrl(url, { secret: ["new secret", "old secret"] }).ok); // true
 * console.log(verifySignedUrl(`${url}&admin=1`, { secret: "old secret" })); // { ok: false, reason: "bad_signature" }
 * ```
 */
export function verifySignedUrl(url: unknown, options: VerifySignedUrlOptions): SignedUrlVerification {
  return failClosed(() => verify(url, options), refused("malformed"));
}

function verify(url: unknown, { secret, now }: VerifySignedUrlOptions): SignedUrlVerification {
  const request = readRequest(url);
  if (request === undefined) return refused("malformed");
  const expiresAt = Number(request.exp);
  // Not `>`: a time that is not a number has to refuse.
  if (!(toUnixSeconds(now) <= expiresAt)) return refused("expired");
  if (!isSigned(request, usableSecrets(secret))) return refused("bad_signature");
  // After the signature, because a forged one of such a length is pinned as a bad signature.
  return request.exp.length > MAX_EXP_DIGITS ? refused("malformed") : { ok: true, expiresAt };
}

function readRequest(url: unknown): SignedRequest | undefined {
  if (typeof url !== "string" || url.length > MAX_URL_LENGTH) return undefined;
  const parts = splitUrl(url);
  if (parts === undefined || (parts.origin === "" && parts.fragment !== "")) return undefined;
  const parameters = parseQuery(parts.query);
  const exp = onlyValue(parameters, "exp");
  const sig = onlyValue(parameters, "sig");
  if (exp === undefined || sig === undefined || !EXP.test(exp)) return undefined;
  const path = parts.path || "/";
  if (isReserved(path)) return undefined;
  return { path, query: formatQuery(parameters.filter(([key]) => key !== "sig")), exp, sig };
}

function onlyValue(parameters: readonly Parameter[], wanted: string): string | undefined {
  const [found, ...others] = parameters.filter(([key]) => key === wanted);
  return others.length === 0 ? found?.[1] : undefined;
}

/** Tries the path as it came, and then its canonical form: a proxy may have decoded or encoded it on the way. */
function isSigned({ path, query, sig }: SignedRequest, secrets: readonly string[]): boolean {
  const paths = new Set([path, safePath(path) ?? path]);
  const messages = [...paths].map((form) => `${form}?${query}`);
  const matches = messages.flatMap((message) =>
    secrets.map((secret) => isEqualInConstantTime(sig, signature(message, secret))),
  );
  return matches.includes(true);
}

function refused(reason: SignedUrlRefusal): SignedUrlVerification {
  return { ok: false, reason };
}
