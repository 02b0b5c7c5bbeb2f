/** Opening links: a link that a person opens in a tab, and that the guard turns into a cookie. */
import * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { isPrivateHost } from "../../internal/addresses.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { failClosed, secretField } from "../options.ts";
import { parseQuery } from "../signed-url/canonical.ts";
import { toUnixSeconds } from "../signed-url/signature.ts";
import type { SignedUrlRefusal } from "../signed-url/verify.ts";
import { isLinkSigned, linkSignature } from "./keys.ts";
import { EXP, expiresAt, isCurrent, nowField, secondsField } from "./lifetime.ts";
import { isReserved, safePath } from "./safe-path.ts";

/** Path of a guarded pod that takes opening links. */
export const OPENING_PATH = "/.well-known/atlas/open";

/** The options of {@link signOpeningLink}. */
export interface SignOpeningLinkOptions {
  /** The compute's signing secret: `ATLAS_SIGNING_SECRET` of the pod, or its {@link generationSecret} after a revocation. */
  readonly secret: string;
  /** The path, with its query, that the browser shows after the link. @default "/" */
  readonly to?: string;
  /** The time for which the link itself works, in whole seconds, at most 300. @default 60 */
  readonly expiresInSeconds?: number;
  /** The time for which the browser keeps the cookie, 60 to 86400 seconds. @default 28800 */
  readonly cookieSeconds?: number;
  /** The time to count from, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The options of {@link verifyOpeningLink}. */
export interface VerifyOpeningLinkOptions {
  /** The secret that signed the link; several while it is being rotated. */
  readonly secret: string | readonly string[];
  /** The time to judge by, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The answer of {@link verifyOpeningLink}. */
export type OpeningLinkVerification =
  | {
      readonly ok: true;
      /** The pod's public origin, which the cookie carries. */
      readonly at: string;
      /** The path to show. */
      readonly to: string;
      /** The lifetime of the cookie. */
      readonly seconds: number;
    }
  | { readonly ok: false; readonly reason: SignedUrlRefusal };

interface OpeningLink {
  readonly at: string;
  readonly exp: string;
  readonly for: string;
  readonly to: string;
  readonly sig: string;
}

const PARAMETERS = 5;
const MAX_QUERY_LENGTH = 16_384;
const MAX_LINK_SECONDS = 300;
/** A link that lives longer than any that this package makes is not one of ours; the rest is room for clocks that differ. */
const MAX_AHEAD_SECONDS = 600;
const MIN_COOKIE_SECONDS = 60;
const MAX_COOKIE_SECONDS = 86_400;
const ORIGIN = /^https?:\/\/[^/?#@\\\s]+$/;
const SECONDS = /^[1-9][0-9]{1,4}$/;
const SHOWN_PATH = /^(?!.*[#\\])[\x21-\x7e]{1,2048}$/;

const FIELDS = {
  secret: secretField,
  to: optional(
    field(
      z.string().check(z.refine(isShownPath)),
      "a path in canonical form, with its query: at most 2048 visible ASCII characters without # and \\, and not a path of the guard",
    ),
  ),
  expiresInSeconds: secondsField(1, MAX_LINK_SECONDS),
  cookieSeconds: secondsField(MIN_COOKIE_SECONDS, MAX_COOKIE_SECONDS),
  now: nowField,
};

/**
 * Signs a link that a person opens in a browser tab. The guard answers it with a cookie and the page at `to`; from then on the tab's styles,
 * scripts, requests and WebSockets carry the cookie. The link works for a minute, and more than once.
 *
 * @param at - The pod's public origin as browsers write it; http only for a private host.
 * @throws `VALIDATION` for another origin, for an empty secret, and for an option out of range.
 *
 * @example
 * ```ts
 * import { signOpeningLink, verifyOpeningLink } from "atlas-compute/auth";
 *
 * const link = signOpeningLink("https://pod.example", { secret: "test-secret", to: "/lab" });
 * console.log(verifyOpeningLink(new URL(link).search.slice(1), { secret: "test-secret" }).ok); // true
 * ```
 */
export function signOpeningLink(at: string, options: SignOpeningLinkOptions): string {
  const parsed = parseFields("The options of signOpeningLink", FIELDS, options);
  const { secret, to = "/", expiresInSeconds = 60, cookieSeconds = 28_800, now } = parsed;
  requireOrigin(at);
  const exp = String(expiresAt("signOpeningLink", now, expiresInSeconds));
  const lifetime = String(cookieSeconds);
  const sig = linkSignature("open", [exp, lifetime, at, to], secret);
  const query = Object.entries({ at, exp, for: lifetime, to, sig })
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return `${at}${OPENING_PATH}?${query}`;
}

/**
 * Checks the query of an opening link. Never throws.
 *
 * @example
 * ```ts
 * import { verifyOpeningLink } from "atlas-compute/auth";
 *
 * console.log(verifyOpeningLink("at=https%3A%2F%2Fpod.example", { secret: "s" })); // { ok: false, reason: "malformed" }
 * ```
 */
export function verifyOpeningLink(
  query: unknown,
  options: VerifyOpeningLinkOptions,
): OpeningLinkVerification {
  return failClosed(() => verify(query, options), refused("malformed"));
}

function verify(query: unknown, { secret, now }: VerifyOpeningLinkOptions): OpeningLinkVerification {
  const link = typeof query === "string" ? readLink(query) : undefined;
  if (link === undefined) return refused("malformed");
  const { at, exp, to, sig } = link;
  // Not `>`: a time that is not a number has to refuse.
  if (!(Number(exp) <= toUnixSeconds(now) + MAX_AHEAD_SECONDS)) return refused("malformed");
  if (!isCurrent(exp, now)) return refused("expired");
  if (!isLinkSigned("open", [exp, link.for, at, to], sig, secret)) return refused("bad_signature");
  return { ok: true, at, to, seconds: Number(link.for) };
}

/**
 * Reads the five parameters, each of which must be there once and alone: a missing one is empty, and no empty one is well formed. A raw `+` has
 * two readings.
 */
function readLink(query: string): OpeningLink | undefined {
  if (query.length > MAX_QUERY_LENGTH || query.includes("+")) return undefined;
  const parameters = parseQuery(query);
  if (parameters.length !== PARAMETERS) return undefined;
  const given = new Map(parameters);
  const of = (name: string): string => given.get(name) ?? "";
  const link = { at: of("at"), exp: of("exp"), for: of("for"), to: of("to"), sig: of("sig") };
  return isWellFormed(link) ? link : undefined;
}

function isWellFormed({ at, exp, for: lifetime, to, sig }: OpeningLink): boolean {
  if (!isOrigin(at) || !EXP.test(exp) || !/^[\w-]{43}$/.test(sig)) return false;
  const seconds = SECONDS.test(lifetime) ? Number(lifetime) : 0;
  return seconds >= MIN_COOKIE_SECONDS && seconds <= MAX_COOKIE_SECONDS && isShownPath(to);
}

function isOrigin(at: unknown): at is string {
  return typeof at === "string" && ORIGIN.test(at) && URL.parse(at)?.origin === at;
}

function isShownPath(to: string): boolean {
  const path = to.split("?", 1)[0] ?? "";
  return SHOWN_PATH.test(to) && safePath(path) === path && !isReserved(path);
}

/** The verifier leaves the last rule to the signer, the only other holder of the secret. */
function requireOrigin(at: unknown): void {
  const isPublic = isOrigin(at) && (at.startsWith("https:") || isPrivateHost(new URL(at).hostname));
  if (isPublic) return;
  throw new AtlasError(
    "VALIDATION",
    "signOpeningLink needs the pod's public origin as browsers write it, such as https://pod.example; http only for a loopback or private host.",
  );
}

function refused(reason: SignedUrlRefusal): OpeningLinkVerification {
  return { ok: false, reason };
}
