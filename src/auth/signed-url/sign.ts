import * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { expiresAt, nowField } from "../links/lifetime.ts";
import { isReserved, safePath } from "../links/safe-path.ts";
import { secretField } from "../options.ts";
import {
  browserPath,
  formatQuery,
  type Parameter,
  parseQuery,
  splitUrl,
  type UrlParts,
} from "./canonical.ts";
import { MAX_URL_LENGTH, signature } from "./signature.ts";

/** The options of {@link signUrl}. */
export interface SignUrlOptions {
  /** The secret that the pod has as `ATLAS_SIGNING_SECRET`. */
  readonly secret: string;
  /**
   * The time in seconds for which the URL is valid, a positive whole number.
   * @default 3600
   */
  readonly expiresInSeconds?: number;
  /**
   * The time to count from, a `Date` or Unix seconds.
   * @default now
   */
  readonly now?: Date | number;
}

const FIELDS = {
  secret: secretField,
  expiresInSeconds: optional(field(z.int().check(z.positive()), "a positive whole number")),
  now: nowField,
};

/**
 * Signs a URL, so that every holder can open it until it expires, without any header: a `<video>`, a
 * download link, a WebSocket. Path and parameters are signed, host and scheme are not. A guard takes it for GET and
 * HEAD, and for other methods only where it is told to. The path comes back in canonical form, the parameters as they are, with `exp`
 * and `sig` behind them, and a fragment at the end.
 *
 * @param url - An http(s) or ws(s) URL, or a path that starts with `/`.
 * @throws `VALIDATION` for any other URL, for a path of the guard itself, for one with a parameter `exp` or `sig`, for one of more than 65,536
 * characters once signed, for an empty secret, and for a lifetime that is not a positive whole number.
 *
 * @example
 * ```ts
 * import { signUrl, verifySignedUrl } from "atlas-compute/auth";
 *
 * const secret = "test-secret";
 * const url = signUrl("https://pod.example/video.m3u8?quality=hd", { secret, expiresInSeconds: 600 });
 * console.log(verifySignedUrl(url, { secret }).ok); // true
 * ```
 */
export function signUrl(url: string, options: SignUrlOptions): string {
  const { secret, expiresInSeconds = 3600, now } = parseFields("The options of signUrl", FIELDS, options);
  const parts = requireUrl(url);
  const path = requirePath(parts);
  const exp = String(expiresAt("signUrl", now, expiresInSeconds));
  const parameters: Parameter[] = [...requireUnsigned(parseQuery(parts.query)), ["exp", exp]];
  const sig = signature(`${path}?${formatQuery(parameters)}`, secret);
  const shownPath = parts.path === "" ? "" : path;
  const query = [asSent(parts.query), `exp=${exp}`, `sig=${sig}`].filter(Boolean).join("&");
  return requireShort(`${parts.origin}${shownPath}?${query}${parts.fragment}`);
}

/** The path in the one form that every server and proxy agrees on; as a browser sends it where it has no such form. */
function requirePath(parts: UrlParts): string {
  const sent = browserPath(parts) ?? refuseUrl();
  const path = safePath(sent) ?? sent;
  if (!isReserved(path)) return path;
  throw new AtlasError(
    "VALIDATION",
    "signUrl does not sign the guard's own paths, such as /.well-known/atlas/ready.",
  );
}

/** The query as it was given, but with escapes for the bytes that no request may hold: the server behind sees what its author wrote. */
function asSent(query: string): string {
  const bytes = Buffer.from(query).toString("latin1");
  return bytes.replaceAll(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function requireUrl(url: unknown): UrlParts {
  return (typeof url === "string" ? splitUrl(url) : undefined) ?? refuseUrl();
}

function refuseUrl(): never {
  throw new AtlasError(
    "VALIDATION",
    "signUrl needs an http(s) or ws(s) URL, or a path with one / at its start, without backslashes or control characters.",
  );
}

function requireUnsigned(parameters: Parameter[]): Parameter[] {
  const taken = parameters.find(([key]) => key === "exp" || key === "sig");
  if (taken === undefined) return parameters;
  throw new AtlasError(
    "VALIDATION",
    `signUrl adds the parameter "${taken[0]}" itself, and the URL already has one: sign the URL without it.`,
  );
}

function requireShort(url: string): string {
  if (url.length <= MAX_URL_LENGTH) return url;
  throw new AtlasError(
    "VALIDATION",
    `The URL would have ${url.length} characters once signed; at most ${MAX_URL_LENGTH} are allowed.`,
  );
}
