import type { OutgoingHttpHeader, ServerResponse } from "node:http";
import type { HeaderMap } from "../verdict/request.ts";

type GivenObject = Readonly<Record<string, OutgoingHttpHeader | undefined>>;
type GivenList = readonly unknown[];
type GivenHeaders = GivenObject | GivenList;
type WriteHead = (status: number, reason?: string | GivenHeaders, headers?: GivenHeaders) => ServerResponse;

/** Lets only the guard speak of origins: when the response is sent, whatever was set of `access-control-*` is gone. */
export function speakForOrigins(response: ServerResponse, own: HeaderMap): void {
  const writeHead = response.writeHead as WriteHead;
  const guarded: WriteHead = (status, reason, headers) => {
    const given = typeof reason === "string" ? headers : reason;
    const said = typeof reason === "string" ? [reason] : [];
    if (hasHeaders(response) || isList(given)) {
      setGiven(response, given);
      setOwn(response, own);
      return writeHead.call(response, status, ...said);
    }
    return writeHead.call(response, status, ...said, withOwn(given, own));
  };
  response.writeHead = guarded as typeof response.writeHead;
}

/** Whether a header, in lowercase, is one of those by which a server speaks of origins. */
export function isCorsHeader(name: string): boolean {
  return name.startsWith("access-control-");
}

/** A `Vary` that holds what was there and what the guard adds. */
export function joinVary(existing: string | undefined, added: string): string {
  if (existing === undefined || existing === "") return added;
  const present = existing.toLowerCase().split(/\s*,\s*/);
  return present.includes("*") || present.includes(added.toLowerCase()) ? existing : `${existing}, ${added}`;
}

function isList(given: GivenHeaders | undefined): given is GivenList {
  return Array.isArray(given);
}

function hasHeaders(response: ServerResponse): boolean {
  return response.getHeaderNames().length > 0;
}

/** Headers that are all given at once, with the guard's own. */
function withOwn(given: GivenObject | undefined, own: HeaderMap): GivenObject {
  const merged: Record<string, OutgoingHttpHeader | undefined> = { ...own };
  for (const name in given) {
    const lowercase = name.toLowerCase();
    const value = given[name];
    if (lowercase === "vary" && own.vary !== undefined) merged.vary = joinVary(String(value), own.vary);
    else if (!isCorsHeader(lowercase)) merged[name] = value;
  }
  return merged;
}

function setOwn(response: ServerResponse, own: HeaderMap): void {
  for (const name of response.getHeaderNames()) if (isCorsHeader(name)) response.removeHeader(name);
  const vary = response.getHeader("vary");
  for (const [name, value] of Object.entries(own))
    response.setHeader(
      name,
      name === "vary" ? joinVary(vary === undefined ? vary : String(vary), value) : value,
    );
}

/** Headers given to `writeHead` go where those of `setHeader` are; as there, a list may name one several times. */
function setGiven(response: ServerResponse, given: GivenHeaders | undefined): void {
  if (given === undefined) return;
  const entries = isList(given) ? pairs(given) : Object.entries(given);
  for (const [name] of entries) response.removeHeader(name);
  for (const [name, value] of entries) response.appendHeader(name, value as string | string[]);
}

/** `[name, value, name, value]`, or `[[name, value], [name, value]]`. */
function pairs(list: GivenList): [string, unknown][] {
  const flat = list.flat(1);
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : []));
}
