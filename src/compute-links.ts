/** URLs of a compute's ports that carry a credential: for one path, for a folder, and for a browser tab. */
import * as z from "zod/mini";
import { generationSecret } from "./auth/links/keys.ts";
import { signOpeningLink } from "./auth/links/opening.ts";
import { signPrefix } from "./auth/links/prefix.ts";
import { safePath } from "./auth/links/safe-path.ts";
import { deriveSigningSecret, signingKeyId } from "./auth/signed-url/secret.ts";
import { signUrl } from "./auth/signed-url/sign.ts";
import { urlOf } from "./compute-url.ts";
import { AtlasError } from "./errors.ts";
import { describe, type Field, field, invalid, optional, parseFields } from "./internal/parse.ts";
import type { Context } from "./lifecycle/context.ts";
import type { AuthScheme, ComputeRecord } from "./store.ts";

/** Options of a signed URL, and of a signed folder. */
export interface SignOptions {
  /** Validity in whole seconds. @default 3600 */
  readonly expiresInSeconds?: number | undefined;
}

/** Options of an opening link. */
export interface OpenOptions {
  /** Validity of the link itself in whole seconds, at most 300. @default 60 */
  readonly expiresInSeconds?: number | undefined;
  /** Validity of the cookie that the link leaves in the browser, 60 to 86400 whole seconds. @default 28800 */
  readonly cookieSeconds?: number | undefined;
}

/** A URL to sign. */
export interface Signing<Options> {
  readonly port: number;
  readonly path: string;
  readonly options: Options;
  /** The secret that the handle has from its spawn. */
  readonly secret?: string | undefined;
}

const SIGN_FIELDS = { expiresInSeconds: seconds(1, 31_536_000) };
const OPEN_FIELDS = { expiresInSeconds: seconds(1, 300), cookieSeconds: seconds(60, 86_400) };

/** Signs a URL of a record's port; see {@link Compute.signUrl}. */
export function signedUrl(context: Context, record: ComputeRecord, signing: Signing<SignOptions>): string {
  requireScheme(record, "signed-url", "signed URLs");
  requireHttp("signUrl", record, signing.port);
  const options = parseFields("The options of signUrl", SIGN_FIELDS, signing.options);
  const secret = secretOf(context, record, signing.secret);
  return signUrl(urlOf(record, signing.port, signing.path), { ...options, secret, now: context.clock.now() });
}

/** Signs a folder of a record's port; see {@link Compute.signPrefix}. */
export function signedPrefix(context: Context, record: ComputeRecord, signing: Signing<SignOptions>): string {
  requireScheme(record, "signed-url", "signed URLs");
  requireHttp("signPrefix", record, signing.port);
  const options = parseFields("The options of signPrefix", SIGN_FIELDS, signing.options);
  const secret = secretOf(context, record, signing.secret);
  return signPrefix(urlOf(record, signing.port, signing.path), {
    ...options,
    secret,
    now: context.clock.now(),
  });
}

/** Signs a link that opens a record's port in a tab; see {@link Compute.openUrl}. */
export function openingLink(context: Context, record: ComputeRecord, signing: Signing<OpenOptions>): string {
  requireScheme(record, "cookie", "opening links");
  requireHttp("openUrl", record, signing.port);
  const options = parseFields("The options of openUrl", OPEN_FIELDS, signing.options);
  const { origin } = new URL(urlOf(record, signing.port, signing.path));
  const secret = secretOf(context, record, signing.secret);
  return signOpeningLink(origin, {
    ...options,
    secret,
    to: canonicalTarget(signing.path),
    now: context.clock.now(),
  });
}

/** The path in the one form that an opening link may show, and its query as it is. */
function canonicalTarget(target: string): string {
  const [path = "", ...query] = target.split("?");
  const canonical = safePath(path === "" ? "/" : path);
  if (canonical !== undefined) return [canonical, ...query].join("?");
  throw invalid("openUrl", [
    {
      field: "path",
      received: describe(path),
      allowed: 'a path that begins with "/", without dot segments, empty segments and escaped slashes',
    },
  ]);
}

function requireScheme({ id, authSchemes }: ComputeRecord, scheme: AuthScheme, what: string): void {
  if (authSchemes.includes(scheme)) return;
  throw new AtlasError("VALIDATION", `compute ${id} takes no ${what}: spawn it with auth: "${scheme}"`, {
    computeId: id,
  });
}

function requireHttp(method: string, { ports }: ComputeRecord, number: number): void {
  if (!ports.some(({ internal, protocol }) => internal === number && protocol !== "http")) return;
  throw invalid(method, [
    { field: "port", received: `${number}, a tcp port`, allowed: "an http port that was asked for" },
  ]);
}

/** The signing secret of the record's present generation. @throws KEY_UNAVAILABLE */
function secretOf({ signingKeys }: Context, record: ComputeRecord, held: string | undefined): string {
  const secret = held ?? derivedSecret(signingKeys, record);
  if (secret !== undefined) return generationSecret(secret, record.generation);
  const { id: computeId, signingKeyId: wanted } = record;
  throw new AtlasError(
    "KEY_UNAVAILABLE",
    wanted && signingKeys.length > 0
      ? `compute ${computeId} was spawned under another signing key: add that key to the list signingKey in createAtlas`
      : `only the handle that spawned compute ${computeId} can sign its URLs: set signingKey in createAtlas to sign at any time`,
    { computeId },
  );
}

function derivedSecret(
  signingKeys: readonly string[],
  { id, signingKeyId: wanted }: ComputeRecord,
): string | undefined {
  // A record of a version that did not store its key belongs to the oldest one.
  const key = wanted === "" ? signingKeys.at(-1) : signingKeys.find((one) => signingKeyId(one) === wanted);
  return key === undefined ? undefined : deriveSigningSecret(key, id);
}

function seconds(minimum: number, maximum: number): Field<z.ZodMiniOptional<z.ZodMiniNumberFormat>> {
  const schema = z.int().check(z.minimum(minimum), z.maximum(maximum));
  return optional(field(schema, `whole seconds from ${minimum} to ${maximum}`));
}
