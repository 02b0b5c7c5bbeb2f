/** The one canonical form of a path, and the paths that belong to the guard. */

const MAX_PATH_LENGTH = 4096;
const FORM = /^\/(?:[\w\-.~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;
/** Escapes of control characters, and of `%`, `.`, `/` and the backslash, which change how a server reads a path. */
const FORBIDDEN_ESCAPE = /%(?:[01][\da-f]|7f|2[5ef]|5c)/i;
const NOT_LITERAL = /[^\w\-.~!$&'()*+,;=:@/]/gu;
const DOTS = /^\.\.?$/;

/**
 * Returns the canonical form of a safe path: the characters that a path may hold are literal, every other byte is `%XX` in upper case.
 * Returns `undefined` for a path that two servers could read in two ways: with an escaped slash, dot or percent sign, a dot segment, an
 * empty segment, bytes that are not UTF-8, or more than 4096 characters.
 */
export function safePath(path: string): string | undefined {
  if (path.length > MAX_PATH_LENGTH || !FORM.test(path)) return undefined;
  const canonical = canonicalOf(path);
  return canonical !== undefined && hasPlainSegments(canonical) ? canonical : undefined;
}

/** True for `/.atlas`, `/.well-known/atlas` and every path below: they belong to the guard, and no signature opens them. */
export function isReserved(path: string): boolean {
  return isBelowReserved(path) || isBelowReserved(safePath(path) ?? "");
}

function isBelowReserved(path: string): boolean {
  return /^\/\.(?:atlas|well-known\/atlas)(?:\/|$)/.test(path);
}

function canonicalOf(path: string): string | undefined {
  let isSafe = !FORBIDDEN_ESCAPE.test(path);
  const canonical = path.replaceAll(ESCAPES, (escapes) => {
    const text = decodeStrictly(escapes);
    isSafe &&= text !== undefined;
    return (text ?? "").replaceAll(NOT_LITERAL, encodeURIComponent);
  });
  return isSafe ? canonical : undefined;
}

/** `decodeURIComponent` knows strict UTF-8: no overlong forms, no halves of surrogate pairs. */
function decodeStrictly(escapes: string): string | undefined {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return undefined;
  }
}

function hasPlainSegments(canonical: string): boolean {
  const segments = canonical.slice(1).split("/");
  return segments.every((segment, index) => {
    const name = segment.split(";", 1)[0] ?? "";
    return !DOTS.test(name) && (segment !== "" || index === segments.length - 1);
  });
}
