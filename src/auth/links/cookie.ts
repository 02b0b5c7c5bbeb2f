/** The cookie that an opening link leaves in a browser, and what a request may do that carries nothing else. */
import { failClosed } from "../options.ts";
import { isLinkSigned, linkSignature } from "./keys.ts";
import { EXP, expiresAt, isCurrent } from "./lifetime.ts";

/** The options of {@link mintCookie}. */
export interface MintCookieOptions {
  /** The compute's signing secret, of its present generation. */
  readonly secret: string;
  /** The pod's public origin, of an opening link. */
  readonly at: string;
  /** The compute's id, which is a part of the cookie's name on plain http. */
  readonly computeId: string | null;
  /** The lifetime in seconds. */
  readonly seconds: number;
  /** The time to count from, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The options of {@link verifyCookie}. */
export interface VerifyCookieOptions {
  /** The secret that signed the cookie; several while it is being rotated. */
  readonly secret: string | readonly string[];
  /** The compute's id. */
  readonly computeId: string | null;
  /** The time to judge by, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The answer of {@link verifyCookie}. */
export type CookieVerification =
  | { readonly ok: true; readonly at: string; readonly expiresAt: number }
  | { readonly ok: false };

/** The facts of a request that decide what its cookie may do. */
export interface CookieUse {
  readonly method: string;
  /** True for a request with an `Upgrade`. */
  readonly isUpgrade: boolean;
  /** `Sec-Fetch-Site`, `Sec-Fetch-Mode`, `Sec-Fetch-Dest` and `Origin`; undefined where the request has none. */
  readonly site: string | undefined;
  readonly mode: string | undefined;
  readonly dest: string | undefined;
  readonly origin: string | undefined;
}

const SECURE_NAME = "__Host-atlas";
/** Cookie jars can be filled with others of our name; this many are tried. */
const MAX_TRIED = 8;
const MAX_HEADER_LENGTH = 65_536;
const REFUSED: CookieVerification = { ok: false };

/** The names of a pod's cookie: the one for https, and the one for plain http. */
export function cookieNames(computeId: string | null): readonly [secure: string, plain: string] {
  return [SECURE_NAME, `atlas-${computeId ?? ""}`];
}

/**
 * Makes the value of a `Set-Cookie` header. A browser sends this cookie with every request to the pod's host, so {@link cookieMayAct} judges
 * each use of it.
 *
 * @throws `VALIDATION` when `now` is not a time.
 */
export function mintCookie({ secret, at, computeId, seconds, now }: MintCookieOptions): string {
  const [secure, plain] = cookieNames(computeId);
  const isSecure = at.startsWith("https:");
  const name = isSecure ? secure : plain;
  const exp = String(expiresAt("mintCookie", now, seconds));
  const value = `${exp}.${Buffer.from(at).toString("base64url")}.${linkSignature("cookie", [name, exp, at], secret)}`;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${isSecure ? "; Secure" : ""}`;
}

/**
 * Looks for a genuine cookie of this pod in a `Cookie` header. The header must have its bytes as they were received, one character each.
 * Never throws.
 */
export function verifyCookie(header: unknown, options: VerifyCookieOptions): CookieVerification {
  return failClosed(() => verify(header, options), REFUSED);
}

/** Returns a `Cookie` header without the pod's own cookies; empty when no other is left. */
export function withoutCookies(header: string, names: readonly string[]): string {
  const fields = header.split(";");
  const others = fields.filter((field) => !names.includes(nameOf(field)));
  return others.length === fields.length ? header : trim(others.join(";"));
}

/** The name in one field of a `Cookie` header, or of a `Set-Cookie` header. */
export function nameOf(field: string): string {
  return trim(field.split(";", 1)[0]?.split("=", 1)[0] ?? "");
}

/**
 * True when a request that carries nothing but the cookie of the pod at this origin may do what it asks. Browsers send the cookie along with the
 * requests of other pods' pages, which are "same-site" below the domain of a provider. Such a page may only navigate to the pod.
 */
export function cookieMayAct(
  { method, isUpgrade, site, mode, dest, origin }: CookieUse,
  at: string,
): boolean {
  const isRead = (method === "GET" || method === "HEAD") && !isUpgrade;
  if (site === undefined) return origin === at || (isRead && origin === undefined);
  if (site === "same-origin") return true;
  if (site === "none") return isRead;
  if (site === "same-site" || site === "cross-site")
    return isRead && mode === "navigate" && dest === "document";
  return false;
}

function verify(header: unknown, options: VerifyCookieOptions): CookieVerification {
  if (typeof header !== "string" || header.length > MAX_HEADER_LENGTH) return REFUSED;
  const fields = header.split(";").map(trim);
  for (const name of cookieNames(options.computeId)) {
    const values = fields.filter((field) => field.startsWith(`${name}=`));
    const found = values
      .slice(0, MAX_TRIED)
      .map((field) => verifyValue(name, field.slice(name.length + 1), options))
      .find(({ ok }) => ok);
    if (found !== undefined) return found;
  }
  return REFUSED;
}

function verifyValue(name: string, value: string, { secret, now }: VerifyCookieOptions): CookieVerification {
  const [exp = "", encoded = "", sig = "", ...others] = value.split(".");
  if (others.length > 0 || !EXP.test(exp) || !isCurrent(exp, now)) return REFUSED;
  const at = Buffer.from(encoded, "base64url").toString();
  // Base64 has several texts for the same bytes, and UTF-8 none for some: only the text that we wrote counts.
  if (Buffer.from(at).toString("base64url") !== encoded) return REFUSED;
  const isGenuine = isLinkSigned("cookie", [name, exp, at], sig, secret);
  return isGenuine ? { ok: true, at, expiresAt: Number(exp) } : REFUSED;
}

/**
 * Trims spaces and tabs only: `trim` would also take a no-break space, with which another site can forge a name. A loop, because a regular
 * expression would take a time that grows with the square of a run of spaces.
 */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (isBlank(text[start])) start += 1;
  while (isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
