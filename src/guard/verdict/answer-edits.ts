/** The changes of an answer of the server behind: no cookie of ours, no shared cache, no address that tells a credential. */
import { nameOf } from "../../auth/links/cookie.ts";
import { safePath } from "../../auth/links/safe-path.ts";
import type { GuardPass, OpenedFolder } from "./request.ts";

/** The response headers that {@link editAnswer} may change. */
export type EditedHeader =
  | "cache-control"
  | "content-security-policy"
  | "location"
  | "referrer-policy"
  | "set-cookie";

/** New values of response headers, in place of all earlier ones; an empty list removes the header. */
export type AnswerEdits = Readonly<Partial<Record<EditedHeader, readonly string[]>>>;

/** Values of `Cache-Control` apart; a comma inside quotes separates nothing. */
const DIRECTIVE = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;

/** Returns the headers of an answer to an admitted request that have to change. `valuesOf` returns the values as the server behind set them. */
export function editAnswer(
  { credential, cookieNames, folder }: GuardPass,
  valuesOf: (name: EditedHeader) => readonly string[],
): AnswerEdits {
  const edits: Partial<Record<EditedHeader, readonly string[]>> = {};
  const cookies = valuesOf("set-cookie");
  const others = cookies.filter((cookie) => !isOwnCookie(cookie, cookieNames));
  if (others.length < cookies.length) edits["set-cookie"] = others;
  const isLink = credential === "prefix" || credential === "signed-url";
  if (isLink || credential === "cookie") edits["cache-control"] = [privately(valuesOf("cache-control"))];
  if (isLink) edits["referrer-policy"] = ["same-origin"];
  if (credential === "cookie")
    edits["content-security-policy"] = [...valuesOf("content-security-policy"), "frame-ancestors 'self'"];
  if (folder !== undefined) {
    const locations = valuesOf("location");
    const kept = locations.map((location) => insideFolder(location, folder));
    if (kept.some((location, index) => location !== locations[index])) edits.location = kept;
  }
  return edits;
}

/** A cookie without a name is sent as its value, which can begin with a name. */
function isOwnCookie(cookie: string, names: readonly string[]): boolean {
  const name = nameOf(cookie);
  return names.includes(name === "" ? nameOf(cookie.slice(cookie.indexOf("=") + 1)) : name);
}

/** The values of `Cache-Control` for an answer that no shared cache may keep. */
function privately(values: readonly string[]): string {
  const directives = values
    .flatMap((value) => value.match(DIRECTIVE) ?? [])
    .map((directive) => directive.trim())
    .filter((directive) => !/^(?:public|private|s-maxage)?(?:\s*=.*)?$/is.test(directive));
  return [...directives, "private"].join(", ");
}

/** Puts the credential back into an address inside the folder, so that a redirect does not lose it. */
function insideFolder(location: string, { credential, prefix, host }: OpenedFolder): string {
  const [, origin = "", ownHost, path = ""] = /^(https?:\/\/([^/?#]*))?(\/[^?#]*)/i.exec(location) ?? [];
  const isHere = origin === "" || (host !== undefined && ownHost?.toLowerCase() === host.toLowerCase());
  if (!isHere || !safePath(path)?.startsWith(prefix)) return location;
  return `${origin}${credential}${location.slice(origin.length)}`;
}
