/** The errors of HTTP requests. They hold neither the request nor a header, a query or a key. */
import type * as z from "zod/mini";
import { AtlasError, type AtlasErrorCode, type AtlasErrorFacts, isAtlasError } from "../errors.ts";
import type { HttpRequest } from "./http-request.ts";
import { retryAfterSeconds } from "./rate-limit.ts";
import { excerpt, redact } from "./redact.ts";

/** A refusal, as the server gave it. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: Headers;
  /** The body as text, as far as it was read. */
  readonly text: string;
  /** The body when it was JSON, else `undefined`. */
  readonly json: unknown;
}

/** The meaning of a refusal: the code, and facts that only this provider's body tells. */
export interface Classification extends Pick<AtlasErrorFacts, "providerId" | "retryable" | "mayHaveCreated"> {
  readonly code: AtlasErrorCode;
}

/** A provider's own reading of a refusal; `undefined` leaves it to the common table. */
export type Classify = (refusal: HttpRefusal, request: HttpRequest) => Classification | undefined;

/** The provider, the request, and the texts that an error must not repeat. */
export interface Asked {
  readonly provider: string;
  readonly request: HttpRequest;
  readonly secrets: readonly string[];
}

const COMMON: Readonly<Record<number, AtlasErrorCode>> = {
  400: "VALIDATION",
  401: "AUTH_ERROR",
  402: "BILLING",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "VALIDATION",
  408: "TIMEOUT",
  409: "CONFLICT",
  413: "VALIDATION",
  415: "VALIDATION",
  422: "VALIDATION",
  429: "RATE_LIMIT",
};

/** Statuses that say that the request was read and refused: nothing came of it. */
const NOTHING_DONE = new Set([
  400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 429, 431,
]);

/** Verdicts that only count from the provider itself, whose bodies are JSON: gateways in between answer these, too. */
const NEED_JSON = new Set([403, 404]);

/** The error for a refusal. */
export function refusalError(asked: Asked, refusal: HttpRefusal, now: Date, classify?: Classify): AtlasError {
  const { status } = refusal;
  const { code, ...facts } = classify?.(refusal, asked.request) ?? { code: commonCode(refusal) };
  const words = excerpt(wordsOf(refusal), asked.secrets);
  const says = words === "" ? "without a reason" : `saying: ${words}`;
  const byWhom = isVerdict(refusal) ? "" : " (not JSON, so from a gateway in between and not the provider)";
  return failure(asked, code, `was refused with ${status}${byWhom}, ${says}`, {
    status,
    requestId: requestId(asked, refusal.headers),
    retryAfterSeconds: retryAfterSeconds(refusal.headers, now),
    ...(status >= 500 ? { retryable: true } : {}),
    mayHaveCreated: asked.request.idempotent ? undefined : !NOTHING_DONE.has(status),
    ...facts,
  });
}

function isVerdict({ status, json }: HttpRefusal): boolean {
  return json !== undefined || !NEED_JSON.has(status);
}

function commonCode(refusal: HttpRefusal): AtlasErrorCode {
  if (!isVerdict(refusal)) return "PROVIDER";
  return COMMON[refusal.status] ?? (refusal.status > 500 ? "UNAVAILABLE" : "PROVIDER");
}

/** The error for an answer that counts as success but cannot be used. */
export function unusable(
  asked: Asked,
  response: Response,
  what: string,
  details?: AtlasErrorFacts["details"],
): AtlasError {
  return failure(asked, "PROVIDER", `was answered with ${response.status}, but ${what}`, {
    status: response.status,
    requestId: requestId(asked, response.headers),
    mayHaveCreated: asked.request.idempotent ? undefined : true,
    details,
  });
}

/** The error for an answer that is longer than allowed. */
export function tooLong(asked: Asked, response: Response, maxBytes: number): AtlasError {
  return unusable(asked, response, `its body is longer than ${maxBytes} bytes`, { maxBytes });
}

/** True for the error of an answer that was longer than allowed: a page of a list may be read with fewer entries. */
export function isTooLong(error: unknown): boolean {
  return isAtlasError(error) && error.details?.maxBytes !== undefined;
}

/** Describes the faults in an answer's shape, by field and expectation, without a value. */
export function misfit(error: z.core.$ZodError): string {
  const fields = error.issues.slice(0, 3).map((issue) => {
    const at = issue.path
      .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
      .join("");
    const expected =
      "expected" in issue ? `expected ${String(issue.expected)}` : issue.code.replaceAll("_", " ");
    return `${at.replace(/^\./, "") || "the body"}: ${expected}`;
  });
  return `the answer does not have the agreed shape (${fields.join("; ")})`;
}

/** The error for a request whose time ran out or whose caller gave up. */
export function abandoned(asked: Asked, why: string, sent: boolean): AtlasError {
  return failure(asked, "TIMEOUT", why, {
    mayHaveCreated: asked.request.idempotent ? undefined : sent,
  });
}

/** Failures after which the server cannot have read anything. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
  "EACCES",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_INVALID_URL",
]);

/** The error for a connection that failed. Only the system's code is taken over: its words may hold a header. */
export function disconnected(asked: Asked, cause: unknown): AtlasError {
  const codes = systemCodes(cause);
  const sent = codes.length === 0 || !codes.every((code) => NEVER_SENT.has(code));
  const reason = [...new Set(codes)].join(", ") || "no further reason";
  return failure(asked, "TRANSPORT", `got no answer: the connection failed (${reason})`, {
    mayHaveCreated: asked.request.idempotent ? undefined : sent,
  });
}

function systemCodes(error: unknown, depth = 0): string[] {
  if (typeof error !== "object" || error === null || depth > 5) return [];
  const below = [Reflect.get(error, "cause"), Reflect.get(error, "errors")].flat();
  const deeper = below.flatMap((inner) => systemCodes(inner, depth + 1));
  const code: unknown = Reflect.get(error, "code");
  return deeper.length > 0 || typeof code !== "string" || !/^[A-Z][A-Z0-9_]+$/.test(code) ? deeper : [code];
}

function failure(asked: Asked, code: AtlasErrorCode, what: string, facts: AtlasErrorFacts): AtlasError {
  const { provider, request } = asked;
  const message = `${provider}: ${request.method} ${request.path} ${what}`;
  const retryable = facts.mayHaveCreated === true ? false : facts.retryable;
  return new AtlasError(code, message, { provider, ...facts, retryable });
}

/** The provider's name for the request, unless it is a secret that the provider echoes. */
function requestId({ secrets }: Asked, headers: Headers): string | undefined {
  const value = headers.get("fly-request-id") ?? headers.get("x-request-id") ?? headers.get("cf-ray") ?? "";
  return /^[\x21-\x7e]{1,128}$/.test(value) && redact(value, secrets) === value ? value : undefined;
}

/** The words of an error body: RFC 9457's, or what others call them; else the text itself. */
function wordsOf({ json, text }: HttpRefusal): string {
  if (typeof json !== "object" || json === null) return text;
  const said = ["detail", "error", "message", "title"].map((key): unknown => Reflect.get(json, key));
  const first = said.find((value) => typeof value === "string" && value !== "");
  const errors: unknown = Reflect.get(json, "errors");
  const listed = Array.isArray(errors) && errors.length > 0 ? ` ${JSON.stringify(errors)}` : "";
  return typeof first === "string" ? first + listed : text;
}
