import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import type { AtlasError } from "../../errors.ts";
import { BodyTooLong, readText } from "../../internal/http-body.ts";
import { parseJson } from "../../internal/json.ts";
import { callable, clockField, fetchField, numberField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { isToken } from "../../internal/token-shape.ts";
import { within } from "../../internal/within.ts";
import { type Authenticator, nameOf, nonsense, outage, rejected } from "./authenticator.ts";
import { parseVerifyUrl } from "./verify-url.ts";

/** The compute and the user that a token belongs to, as the control plane says. */
export interface ComputeIdentity {
  readonly computeId: string;
  /** The user's name, which is unique within its tenant only: two tenants may each have an `admin`. */
  readonly userId: string | null;
  /** The tenant of a shared control plane; null for the application's own users. */
  readonly tenantId: string | null;
  readonly status: string;
}

/** The options of {@link createRemoteAuthenticator}. */
export interface RemoteAuthenticatorOptions {
  /** The target of a POST of `{ "token": … }`: https, or http to a private host. */
  readonly url: string | URL;
  /** The secret by which this service proves itself: visible ASCII. */
  readonly secret: string;
  /** The header that carries the secret. @default "X-Internal-Secret" */
  readonly headerName?: string | undefined;
  /** The time in seconds for the whole answer. @default 5 */
  readonly timeoutSeconds?: number | undefined;
  /** @default globalThis.fetch */
  readonly fetch?: typeof fetch | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** The option that reads the answer of a service of another kind. */
export interface ParseIdentity<Identity> {
  /** The identity in a 200's JSON; `null` when it says that the credential is not valid, `undefined` when it makes no sense. */
  readonly parse: (body: unknown) => Identity | null | undefined;
}

interface Settings<Identity> {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly parse: (body: unknown) => Identity | null | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

const WHAT = "The options of createRemoteAuthenticator";
/** The header is checked here, because the complaint of `fetch` would show the secret. */
const FIELDS = {
  url: field(
    z.custom<string | URL>((value) => typeof value === "string" || value instanceof URL),
    "a URL",
    { secret: true },
  ),
  secret: field(z.string().check(z.regex(/^[\x21-\x7e]{1,4096}$/)), "1 to 4096 characters of visible ASCII", {
    secret: true,
  }),
  headerName: optional(
    field(z.string().check(z.regex(/^[!#$%&'*+\-.^`|~\w]{1,100}$/)), "the name of an HTTP header"),
  ),
  timeoutSeconds: numberField(0.001, "a number of seconds"),
  fetch: fetchField,
  clock: clockField,
  parse: optional(field(callable<ParseIdentity<unknown>["parse"]>(), "a function of the answer's JSON")),
};
const MAX_BYTES = 65_536;

/**
 * Makes an authenticator that asks another service, by default a control plane's `/internal/verify`. A 200 names the identity, a 401
 * rejects the credential; anything else (another status, a redirect, which is not followed, an answer that is late, too long or makes no
 * sense) is `UNAVAILABLE`. It remembers nothing: see {@link createCachedAuthenticator}.
 *
 * @throws `VALIDATION` when an option is not valid.
 *
 * @example
 * ```ts
 * import { createRemoteAuthenticator } from "atlas-compute/auth";
 *
 * const authenticator = createRemoteAuthenticator({
 *   url: "https://control.example/internal/verify",
 *   secret: process.env.INTERNAL_SECRET ?? "",
 * });
 * const { computeId, userId } = await authenticator.verify("a compute's token");
 * ```
 */
export function createRemoteAuthenticator(
  options: RemoteAuthenticatorOptions,
): Authenticator<ComputeIdentity>;
export function createRemoteAuthenticator<Identity>(
  options: RemoteAuthenticatorOptions & ParseIdentity<Identity>,
): Authenticator<Identity>;
export function createRemoteAuthenticator(
  options: RemoteAuthenticatorOptions & Partial<ParseIdentity<unknown>>,
): Authenticator<unknown> {
  const settings = toSettings(options);
  const { url, clock, timeoutSeconds: seconds } = settings;
  const error = (): Error => outage(`${nameOfUrl(url)} did not answer within ${seconds} seconds`);
  return {
    verify: async (candidate) => {
      if (!isToken(candidate)) throw rejected();
      return within({ clock, seconds, error }, (signal) => ask(settings, candidate, signal));
    },
  };
}

function toSettings(
  options: RemoteAuthenticatorOptions & Partial<ParseIdentity<unknown>>,
): Settings<unknown> {
  const given = parseFields(WHAT, FIELDS, options);
  const { secret, headerName = "X-Internal-Secret", timeoutSeconds = 5, clock = systemClock } = given;
  const { fetch = (...request) => globalThis.fetch(...request), parse = toComputeIdentity } = given;
  const headers = { "content-type": "application/json", accept: "application/json", [headerName]: secret };
  return { url: parseVerifyUrl(WHAT, given.url), headers, timeoutSeconds, parse, fetch, clock };
}

async function ask<Identity>(
  settings: Settings<Identity>,
  token: string,
  signal: AbortSignal,
): Promise<Identity> {
  const response = await send(settings, token, signal);
  if (response.status === 401) throw await rejection(settings.url, response);
  if (response.status !== 200) throw unexpected(settings.url, response.status);
  const identity = read(settings, await bodyOf(settings.url, response));
  if (identity === null) throw rejected();
  if (identity === undefined) throw nonsense(`${nameOfUrl(settings.url)} named no identity`);
  return identity;
}

async function send(
  { url, headers, fetch }: Settings<unknown>,
  token: string,
  signal: AbortSignal,
): Promise<Response> {
  const body = JSON.stringify({ token });
  try {
    return await fetch(url, { method: "POST", redirect: "manual", headers, body, signal });
  } catch (error) {
    throw outage(`${nameOfUrl(url)} could not be reached (${nameOf(error)})`);
  }
}

/** A control plane answers 401 for a wrong internal secret too, and says so: that tells nothing about the credential. */
async function rejection(url: URL, response: Response): Promise<AtlasError> {
  const text = await readText(response, MAX_BYTES).catch(() => "");
  const isAboutUs = /"details":\{[^{}]*"credential":"internal"/.test(text);
  return isAboutUs ? nonsense(`${nameOfUrl(url)} rejected the internal secret`) : rejected();
}

function unexpected(url: URL, status: number): AtlasError {
  const what = `${nameOfUrl(url)} answered ${status}`;
  if (status >= 300 && status < 400) return nonsense(`${what}, a redirect, which is not followed`);
  return status >= 500 || status === 408 || status === 429 ? outage(what) : nonsense(what);
}

async function bodyOf(url: URL, response: Response): Promise<unknown> {
  const text = await readText(response, MAX_BYTES).catch((error: unknown) => {
    if (error instanceof BodyTooLong) throw nonsense(`${nameOfUrl(url)} answered ${error.message}`);
    throw outage(`the answer of ${nameOfUrl(url)} broke off (${nameOf(error)})`);
  });
  const json = parseJson(text);
  if (json === undefined) throw nonsense(`${nameOfUrl(url)} answered a text that is not JSON`);
  return json;
}

function read<Identity>({ url, parse }: Settings<Identity>, body: unknown): Identity | null | undefined {
  try {
    return parse(body);
  } catch (error) {
    throw nonsense(`the answer of ${nameOfUrl(url)} could not be read (${nameOf(error)})`);
  }
}

function toComputeIdentity(body: unknown): ComputeIdentity | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const {
    computeId,
    userId = null,
    tenantId = null,
    status,
  }: { computeId?: unknown; userId?: unknown; tenantId?: unknown; status?: unknown } = body;
  if (typeof computeId !== "string" || computeId === "" || typeof status !== "string") return undefined;
  return isName(userId) && isName(tenantId) ? { computeId, userId, tenantId, status } : undefined;
}

function isName(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function nameOfUrl({ origin, pathname }: URL): string {
  return origin + pathname;
}
