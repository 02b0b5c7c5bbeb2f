/** Prefix-signed URLs: one signature that opens every path below a folder, and that relative links keep. */
import { AtlasError } from "../../errors.ts";
import { type Parsed, parseFields } from "../../internal/parse.ts";
import { failClosed, secretField } from "../options.ts";
import { splitUrl, type UrlParts } from "../signed-url/canonical.ts";
import { MAX_URL_LENGTH } from "../signed-url/signature.ts";
import type { SignedUrlRefusal } from "../signed-url/verify.ts";
import { isLinkSigned, linkSignature } from "./keys.ts";
import { expiresAt, isCurrent, nowField, secondsField } from "./lifetime.ts";
import { isReserved, safePath } from "./safe-path.ts";

/** The options of {@link signPrefix}. */
export interface SignPrefixOptions {
  /** The compute's signing secret: `ATLAS_SIGNING_SECRET` of the pod, or its {@link generationSecret} after a revocation. */
  readonly secret: string;
  /** The time for which the prefix is valid, in whole seconds. @default 3600 */
  readonly expiresInSeconds?: number;
  /** The time to count from, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The options of {@link verifySignedPrefix}. */
export interface VerifySignedPrefixOptions {
  /** The secret that signed the prefix; several while it is being rotated. */
  readonly secret: string | readonly string[];
  /** The time to judge by, a `Date` or Unix seconds. @default now */
  readonly now?: Date | number;
}

/** The answer of {@link verifySignedPrefix}. */
export type SignedPrefixVerification =
  | {
      readonly ok: true;
      /** The last Unix second at which the prefix is valid. */
      readonly expiresAt: number;
      /** The folder that the signature opens, with a slash at its end. */
      readonly prefix: string;
      /** The path for the server behind, in canonical form. */
      readonly path: string;
    }
  | { readonly ok: false; readonly reason: SignedUrlRefusal };

interface PrefixRequest {
  readonly exp: string;
  readonly sig: string;
  readonly prefix: string;
  readonly path: string;
}

const MAX_DEPTH = 16;
const FORM = /^\/\.atlas\/([1-9][0-9]{0,15})\.([1-9]|1[0-6])\.([\w-]{43})(\/.*)$/s;
const FIELDS = { secret: secretField, expiresInSeconds: secondsField(1, 31_536_000), now: nowField };

/**
 * Signs a folder, so that every holder can read all paths below it until the signature expires. The credential is a part of the path, so
 * that relative links keep it: an HLS playlist and its segments, a page with its images. The application appends paths to the result.
 *
 * @param url - An http(s) URL, or a path that starts with `/`. Its path ends with a slash and has 1 to 16 segments; there is no query.
 * @throws `VALIDATION` for any other URL, for a folder of the guard itself, for an empty secret, and for a lifetime out of range.
 *
 * @example
 * ```ts
 * import { signPrefix, verifySignedPrefix } from "atlas-compute/auth";
 *
 * const secret = "test-secret";
 * const folder = signPrefix("https://pod.example/hls/42/", { secret, expiresInSeconds: 600 });
 * const { pathname } = new URL("part-7.ts", folder);
 * console.log(verifySignedPrefix(pathname, { secret }).ok); // true
 * ```
 */
export function signPrefix(url: string, options: SignPrefixOptions): string {
  const parsed: Parsed<typeof FIELDS> = parseFields("The options of signPrefix", FIELDS, options);
  const { origin, path } = requireFolder(url);
  const exp = String(expiresAt("signPrefix", parsed.now, parsed.expiresInSeconds ?? 3600));
  const sig = linkSignature("prefix", [path, exp], parsed.secret);
  return `${origin}/.atlas/${exp}.${depthOf(path)}.${sig}${path}`;
}

/**
 * Checks the path of a request below a folder from {@link signPrefix}. The query is not signed, and is not a part of this path. Never throws.
 *
 * @example
 * ```ts
 * import { signPrefix, verifySignedPrefix } from "atlas-compute/auth";
 *
 * const folder = signPrefix("/hls/42/", { secret: "test-secret" });
 * const verified = verifySignedPrefix(`${folder}a.ts`, { secret: "test-secret" });
 * console.log(verified.ok && verified.path); // "/hls/42/a.ts"
 * ```
 */
export function verifySignedPrefix(
  path: unknown,
  options: VerifySignedPrefixOptions,
): SignedPrefixVerification {
  return failClosed(() => verify(path, options), refused("malformed"));
}

function verify(path: unknown, { secret, now }: VerifySignedPrefixOptions): SignedPrefixVerification {
  const request = typeof path === "string" ? readPrefix(path) : undefined;
  if (request === undefined) return refused("malformed");
  const { exp, sig, ...rest } = request;
  if (!isCurrent(exp, now)) return refused("expired");
  if (!isLinkSigned("prefix", [rest.prefix, exp], sig, secret)) return refused("bad_signature");
  return { ok: true, expiresAt: Number(exp), ...rest };
}

function readPrefix(path: string): PrefixRequest | undefined {
  const match = path.length <= MAX_URL_LENGTH ? FORM.exec(path) : null;
  if (match === null) return undefined;
  const [, exp = "", depth = "", sig = "", rest = ""] = match;
  const canonical = safePath(rest);
  if (canonical === undefined || isReserved(canonical) || depthOf(canonical) < Number(depth))
    return undefined;
  const prefix = `${canonical
    .split("/")
    .slice(0, Number(depth) + 1)
    .join("/")}/`;
  return { exp, sig, prefix, path: canonical };
}

/** The number of folders that a path is in: its slashes but the first. */
function depthOf(path: string): number {
  return path.split("/").length - 2;
}

function requireFolder(url: unknown): UrlParts {
  const parts = typeof url === "string" ? splitUrl(url) : undefined;
  const isWhole = parts !== undefined && parts.query === "" && parts.fragment === "";
  const path = isWhole ? safePath(parts.path) : undefined;
  if (parts === undefined || path === undefined || !path.endsWith("/"))
    throw new AtlasError(
      "VALIDATION",
      "signPrefix needs a folder: an http(s) URL or a path that ends with /, without query, dot segments, empty segments and escaped slashes.",
    );
  const depth = depthOf(path);
  if (depth < 1 || depth > MAX_DEPTH)
    throw new AtlasError(
      "VALIDATION",
      `signPrefix signs folders of 1 to ${MAX_DEPTH} segments; this one has ${depth}.`,
    );
  if (isReserved(path))
    throw new AtlasError("VALIDATION", "signPrefix does not sign the guard's own paths, such as /.atlas/.");
  return { ...parts, path };
}

function refused(reason: SignedUrlRefusal): SignedPrefixVerification {
  return { ok: false, reason };
}
