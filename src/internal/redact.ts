/** Keeps secrets out of foreign texts. */

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
 * The text without these secrets (nor their JSON and URL encodings), without anything that looks like a credential, and
 * without query strings. Values shorter than four characters stay: they are switches, and replacing them would garble the rest.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const withoutSecrets = spellings(secrets).reduce((rest, secret) => rest.replaceAll(secret, redacted), text);
  return CREDENTIALS.reduce((rest, pattern) => rest.replace(pattern, redacted), withoutSecrets).replace(
    QUERY_STRING,
    `$1?${redacted}`,
  );
}

/** A redacted text on one line, short enough for an error message. */
export function excerpt(text: string, secrets: readonly string[] = []): string {
  const line = redact(text, secrets)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length <= MAX_EXCERPT ? line : `${line.slice(0, MAX_EXCERPT - 1)}…`;
}

function spellings(secrets: readonly string[]): readonly string[] {
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET);
  const all = long.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
  ]);
  return [...new Set(all)].sort((one, other) => other.length - one.length);
}

/** A copy of a provider's answer with every value below a key `env` redacted. */
export function withoutEnv(value: unknown, isEnv = false): unknown {
  if (value === undefined || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutEnv(item, isEnv));
  if (typeof value !== "object") return isEnv ? redacted : value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutEnv(item, isEnv || key === "env")]));
}
