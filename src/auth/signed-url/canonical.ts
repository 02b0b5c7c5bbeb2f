/**
 * A URL, cut into the parts that a signature covers (path and query) and the rest. Cutting changes no character:
 * the origin is empty for a path with a query, and so is the path of `https://host`.
 */
export interface UrlParts {
  readonly origin: string;
  readonly path: string;
  readonly query: string;
  /** From the `#` on. */
  readonly fragment: string;
}

/** A decoded query parameter, each character of which stands for one byte. */
export type Parameter = readonly [key: string, value: string];

const ORIGIN = /^(?:https?|wss?):\/\/[^/]+/i;
/** Characters that a browser drops (a tab, a line break) or takes for a slash: the author of such a URL means something else. */
const AMBIGUOUS = /[\\\p{Cc}]/u;

/** Cuts up an http(s) or ws(s) URL, or a path that starts with `/`. Anything else is `undefined`. */
export function splitUrl(url: string): UrlParts | undefined {
  const [beforeFragment, fragment] = cutBefore(url, "#");
  const [target, query] = cutBefore(beforeFragment, "?");
  const origin = ORIGIN.exec(target)?.[0] ?? "";
  const path = target.slice(origin.length);
  if (AMBIGUOUS.test(target) || (origin === "" && !path.startsWith("/"))) return undefined;
  return { origin, path, query: query.slice(1), fragment };
}

/**
 * The path as a browser will send it: escaped, and without dot segments (WHATWG URL). `undefined` for an
 * origin that cannot be parsed, and for a path without origin that a browser takes for one, such as `//host`.
 */
export function browserPath({ origin, path }: UrlParts): string | undefined {
  const sent = URL.parse(`${origin || "http://pod"}${path}?`)?.pathname;
  return origin === "" && sent?.startsWith("//") ? undefined : sent;
}

/**
 * The parameters of a query in order of appearance. `+` is a space, an escape is its byte, and a `%` that
 * starts no escape is itself. `a` is `a=`, and nothing between two `&` is no parameter (WHATWG URL).
 */
export function parseQuery(query: string): Parameter[] {
  const bytes = Buffer.from(query).toString("latin1");
  return bytes.split("&").filter(Boolean).map(parseParameter);
}

/** Parameters in canonical form: sorted bytewise by key, equal keys in order of appearance, and encoded. */
export function formatQuery(parameters: readonly Parameter[]): string {
  return parameters
    .toSorted(([left], [right]) => (left < right ? -1 : Number(left > right)))
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .join("&");
}

function parseParameter(pair: string): Parameter {
  const [key, value] = cutBefore(pair, "=");
  return [decode(key), decode(value.slice(1))];
}

function decode(text: string): string {
  return text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function encode(bytes: string): string {
  return bytes
    .replaceAll(/[^\w\-.~ ]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`)
    .replaceAll(" ", "+");
}

function cutBefore(text: string, separator: string): [before: string, from: string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index)];
}
