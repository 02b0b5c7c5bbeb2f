/** Origins of web pages, and patterns that stand for several of them. */

/** The words for an origin or a pattern. */
export const ORIGIN_ALLOWED =
  'origins as a browser sends them, such as "https://app.example" without a path; one * may stand in the first label where two labels follow it, as in "https://preview-*.app.example"';

const PATTERN = /^(https?:\/\/[a-z0-9-]*)\*([a-z0-9-]*(?:\.[^.*/:]+){2,}(?::[0-9]+)?)$/;
const WILD = /^[a-z0-9-]+$/;

/** True for the text of an origin as a browser sends it. */
export function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text;
}

/** True for an origin, and for a pattern that an origin can match: one `*` in the first label, with two fixed labels behind it. */
export function isOriginPattern(text: string): boolean {
  return isOrigin(text) || (PATTERN.test(text) && isOrigin(text.replace("*", "a")));
}

/** Makes the test of a pattern, whose `*` is one or more of `a-z`, `0-9` and `-`; `undefined` for a plain origin. */
export function originPattern(text: string): ((origin: string) => boolean) | undefined {
  const [, before, behind] = PATTERN.exec(text) ?? [];
  if (before === undefined || behind === undefined) return undefined;
  return (origin) =>
    origin.startsWith(before) &&
    origin.endsWith(behind) &&
    WILD.test(origin.slice(before.length, -behind.length));
}
