/** Keeps secrets out of foreign texts. */
import { spellingsOf } from "./secret-spellings.ts";

/** The text in place of a secret. */
export const redacted = "[redacted]";

const SHORTEST_SECRET = 4;
const MAX_EXCERPT = 200;

const CREDENTIALS: readonly RegExp[] = [
  /\b(?:bearer|basic|flyv1)\s+[^\s"',;]+(?:,fm[0-9a-z]+_[^\s"',;]+)*/gi,
  /\brpa_[A-Za-z0-9]+/g,
  /\bfm[0-9][a-z]?_[A-Za-z0-9+/=_-]+/g,
];
const QUERY_STRING = /(https?:\/\/[^\s"'<>?]*)\?[^\s"'<>]+/gi;

/**
 * The text without these secrets, without anything that looks like a credential, and without query strings. A secret is also found in base64
 * and base64url (at any offset), in hex, with JSON and URL escapes, and cut off behind its twelfth character. Values shorter
 * than four characters stay: they are switches, and replacing them would garble the rest.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const known = redactor(secrets)(text);
  const rest = CREDENTIALS.reduce((left, pattern) => left.replace(pattern, redacted), known);
  return rest.replace(QUERY_STRING, `$1?${redacted}`);
}

/** Makes a function that takes these secrets out of a text, longer ones first. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const spellings = [...new Set(secrets)]
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .sort((one, other) => other.length - one.length)
    .flatMap(spellingsOf);
  return (text) => spellings.reduce<string>((rest, spelling) => spelling.replace(rest, redacted), text);
}

/** A redacted text on one line, short enough for an error message. */
export function excerpt(text: string, secrets: readonly string[] = []): string {
  const line = redact(text, secrets)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length <= MAX_EXCERPT ? line : `${line.slice(0, MAX_EXCERPT - 1)}…`;
}

/** A copy of foreign data without these secrets, in values and keys at any depth. */
export function redactDeep(value: unknown, secrets: readonly string[]): unknown {
  return mapText(value, redactor(secrets));
}

/** A copy of a record without these secrets. */
export function redactRecord(
  record: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  const clean = redactor(secrets);
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [clean(key), mapText(value, clean)]),
  );
}

/** A copy of plain data with every text changed: values and keys. */
export function mapText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => mapText(item, change));
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [change(key), mapText(item, change)]));
}

/** The keys under which APIs show an environment. */
const ENVIRONMENT = /^env(?:s|ironment)?(?:_?(?:vars?|variables?))?$/i;

/** A copy of a provider's answer with every value below a key such as `env` redacted. */
export function withoutEnv(value: unknown, isEnv = false): unknown {
  if (value === undefined || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutEnv(item, isEnv));
  if (typeof value !== "object") return isEnv ? redacted : value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, withoutEnv(item, isEnv || ENVIRONMENT.test(key))]),
  );
}
