import type { OutgoingHttpHeader, ServerResponse } from "node:http";
import type { Headers } from "./request.ts";

type GivenHeaders = Readonly<Record<string, OutgoingHttpHeader | undefined>> | readonly unknown[];
type WriteHead = (status: number, reason?: string | GivenHeaders, headers?: GivenHeaders) => ServerResponse;

/** Lets only the guard speak of origins: when the response is sent, whatever was set of `access-control-*` is gone. */
export function speakForOrigins(response: ServerResponse, own: Headers): void {
  const writeHead = response.writeHead.bind(response) as WriteHead;
  const guarded: WriteHead = (status, reason, headers) => {
    setGiven(response, typeof reason === "string" ? headers : reason);
    for (const name of response.getHeaderNames()) if (isCorsHeader(name)) response.removeHeader(name);
    for (const [name, value] of Object.entries(own)) setOwn(response, name, value);
    return typeof reason === "string" ? writeHead(status, reason) : writeHead(status);
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

function setOwn(response: ServerResponse, name: string, value: string): void {
  const existing = response.getHeader("vary");
  response.setHeader(
    name,
    name === "vary" ? joinVary(existing === undefined ? undefined : String(existing), value) : value,
  );
}

/** Headers given to `writeHead` go where those of `setHeader` are; as there, a list may name one several times. */
function setGiven(response: ServerResponse, given: GivenHeaders | undefined): void {
  if (given === undefined) return;
  const entries = Array.isArray(given) ? pairs(given) : Object.entries(given);
  for (const [name] of entries) response.removeHeader(name);
  for (const [name, value] of entries) response.appendHeader(name, value as string | string[]);
}

/** `[name, value, name, value]`, or `[[name, value], [name, value]]`. */
function pairs(list: readonly unknown[]): [string, unknown][] {
  const flat = list.flat(1);
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name), flat[index + 1]]] : []));
}
