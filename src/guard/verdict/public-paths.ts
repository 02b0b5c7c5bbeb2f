import type { GuardRequest } from "./request.ts";

/** Matches a path such as `/healthz`, or all paths below a parent: `/assets/*`. */
export const PUBLIC_PATH: RegExp = /^\/(?:[\w\-.~@+/]*|(?:[\w\-.~@+/]*\/)?\*)$/;

const PLAIN_SEGMENT = /^(?!\.{1,2}$)[\w\-.~@+]*$/;

/**
 * True when a request needs no credential: its method only reads, and its path is listed. Below a `/*` the rest of the path
 * must be plain, so that a server behind that resolves `..` or an escape does not leave the public folder.
 */
export function isPublic(method: GuardRequest["method"], path: string, listed: readonly string[]): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return listed.some((pattern) =>
    pattern.endsWith("*") ? isBelow(path, pattern.slice(0, -1)) : path === pattern,
  );
}

function isBelow(path: string, parent: string): boolean {
  return path.startsWith(parent) && isPlain(path.slice(parent.length));
}

function isPlain(rest: string): boolean {
  const segments = rest.split("/");
  return segments.every(
    (segment, index) => PLAIN_SEGMENT.test(segment) && (segment !== "" || index === segments.length - 1),
  );
}
