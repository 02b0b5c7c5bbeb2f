import type { OutgoingHttpHeader, ServerResponse } from "node:http";
import { type EditedHeader, editAnswer } from "../verdict/answer-edits.ts";
import type { GuardPass, HeaderMap } from "../verdict/request.ts";

type GivenObject = Readonly<Record<string, OutgoingHttpHeader | undefined>>;
type GivenList = readonly unknown[];
type GivenHeaders = GivenObject | GivenList;
type WriteHead = (status: number, reason?: string | GivenHeaders, headers?: GivenHeaders) => ServerResponse;

const OWN_HEADER = /^x[-_]atlas[-_]/;

/** The credentials whose answers may go on as they are, but for cookies of the pod's own. */
const UNEDITED: ReadonlySet<GuardPass["credential"]> = new Set(["none", "bearer", "subprotocol"]);

/**
 * Makes the headers of a response fit its request when it is sent: the guard's CORS headers in place of every `access-control-*` of the
 * server, and the changes that the credential asks for.
 */
export function guardResponse(response: ServerResponse, pass: GuardPass): void {
  const writeHead = response.writeHead as WriteHead;
  const isEdited = !UNEDITED.has(pass.credential);
  const guarded: WriteHead = (status, reason, headers) => {
    const given = typeof reason === "string" ? headers : reason;
    const reasons = typeof reason === "string" ? [reason] : [];
    if (isEdited || hasHeaders(response) || isList(given) || setsCookie(given)) {
      setGiven(response, given);
      setOwn(response, pass.headers);
      setEdits(response, pass);
      return writeHead.call(response, status, ...reasons);
    }
    return writeHead.call(response, status, ...reasons, withOwn(given, pass.headers));
  };
  response.writeHead = guarded as typeof response.writeHead;
}

/** True for the lowercase name of a CORS response header. */
export function isCorsHeader(name: string): boolean {
  return name.startsWith("access-control-");
}

/** True for the lowercase name of a header that only the guard may send, in every spelling that a server could take for it. */
export function isOwnHeader(name: string): boolean {
  return name.startsWith("x") && OWN_HEADER.test(name);
}

/** Merges a `Vary` of the server with the guard's own. */
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

function setsCookie(given: GivenObject | undefined): boolean {
  for (const name in given) if (name.toLowerCase() === "set-cookie") return true;
  return false;
}

function setEdits(response: ServerResponse, pass: GuardPass): void {
  const edits = editAnswer(pass, (name) => [response.getHeader(name) ?? []].flat().map(String));
  for (const name in edits) {
    const values = edits[name as EditedHeader] ?? [];
    if (values.length === 0) response.removeHeader(name);
    else response.setHeader(name, values.length === 1 ? (values[0] ?? "") : values);
  }
}

/** Merges the headers of a `writeHead` call with the guard's own. */
function withOwn(given: GivenObject | undefined, own: HeaderMap): GivenObject {
  const merged: Record<string, OutgoingHttpHeader | undefined> = { ...own };
  for (const name in given) {
    const lowercase = name.toLowerCase();
    const value = given[name];
    if (lowercase === "vary" && own.vary !== undefined) merged.vary = joinVary(String(value), own.vary);
    else if (!isCorsHeader(lowercase) && !isOwnHeader(lowercase)) merged[name] = value;
  }
  return merged;
}

function setOwn(response: ServerResponse, own: HeaderMap): void {
  for (const name of response.getHeaderNames())
    if (isCorsHeader(name) || isOwnHeader(name)) response.removeHeader(name);
  const vary = response.getHeader("vary");
  for (const [name, value] of Object.entries(own))
    response.setHeader(
      name,
      name === "vary" ? joinVary(vary === undefined ? vary : String(vary), value) : value,
    );
}

/** Sets headers from a `writeHead` call on the response. A list may name one header several times. */
function setGiven(response: ServerResponse, given: GivenHeaders | undefined): void {
  if (given === undefined) return;
  const entries = isList(given) ? pairs(given) : Object.entries(given);
  for (const [name] of entries) response.removeHeader(name);
  for (const [name, value] of entries) response.appendHeader(name, value as string | string[]);
}

/** Reads `[name, value, name, value]` and `[[name, value], [name, value]]`. */
function pairs(list: GivenList): [string, unknown][] {
  const flat = list.flat(1);
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : []));
}
