/** The request that an application behind the guard sees: without its credential, in every view that Node gives of it. */
import type { IncomingMessage } from "node:http";
import type { GuardPass, HeaderEdits } from "../verdict/request.ts";
import { hasOpenBody, isHttp2 } from "./http2.ts";
import { isOwnHeader } from "./node-response.ts";

/** The header that tells the server behind which kind of credential the request had. */
const CREDENTIAL_HEADER = "X-Atlas-Credential";

const HOLDS_TOKEN = /(?:^|[\s,])atlas\.bearer\./;

/** True for a header of a request that goes on as it came. `edited` has the names of those that do not. */
export function isPassed(name: string, value: string, edited: readonly string[]): boolean {
  if (edited.includes(name) || isOwnHeader(name)) return false;
  return name !== "sec-websocket-protocol" || !HOLDS_TOKEN.test(value);
}

/** The headers that a request has in place of those that do not go on as they came. */
export function replacements(edits: HeaderEdits, { credential }: GuardPass): string[] {
  const list = [CREDENTIAL_HEADER, credential];
  for (const name in edits) {
    const value = edits[name];
    if (value !== undefined) list.push(name, value);
  }
  return list;
}

/** Replaces the headers of a request that goes on: `headers`, `headersDistinct`, `rawHeaders` and the trailers agree. */
export function replaceHeaders(request: IncomingMessage, pass: GuardPass): void {
  const { headers, rawHeaders } = request;
  const edits = pass.requestHeaders;
  const edited = Object.keys(edits);
  const list: string[] = [];
  const removed = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    const lower = name.toLowerCase();
    if (isPassed(lower, value, edited)) list.push(name, lower === ":path" ? pass.url : value);
    else removed.add(lower);
  }
  const added = replacements(edits, pass);
  list.push(...added);
  const passed = withReplacements(headers, removed, added);
  if (isHttp2(request)) {
    defineView(request, "headers", () => passed);
    defineView(request, "rawHeaders", () => list);
    if (":path" in passed) passed[":path"] = pass.url;
    if (hasOpenBody(request)) hideTrailers(request, edited);
    return;
  }
  request.headers = passed;
  request.rawHeaders = list;
  // Node reads the new list at the next access, by the length of the old one.
  if (list.length === rawHeaders.length) Reflect.set(request, "headersDistinct", undefined);
  else defineView(request, "headersDistinct", () => distinct(list));
  if (headers["transfer-encoding"] !== undefined) hideTrailers(request, edited);
}

/** Makes a new object, because V8 reads an object slowly after a `delete`. */
function withReplacements(
  headers: IncomingMessage["headers"],
  removed: ReadonlySet<string>,
  added: readonly string[],
): IncomingMessage["headers"] {
  const passed: IncomingMessage["headers"] = {};
  for (const name in headers) if (!removed.has(name)) passed[name] = headers[name];
  for (let index = 0; index < added.length; index += 2)
    passed[added[index]?.toLowerCase() ?? ""] = added[index + 1];
  return passed;
}

/** Takes the headers that end at the guard out of the trailers too. They come later, so the views read them when they are asked. */
function hideTrailers(request: IncomingMessage, edited: readonly string[]): void {
  let received: readonly string[] = request.rawTrailers;
  const passed = (): string[] => {
    const list: string[] = [];
    for (let index = 0; index < received.length; index += 2) {
      const [name = "", value = ""] = received.slice(index, index + 2);
      if (isPassed(name.toLowerCase(), value, edited)) list.push(name, value);
    }
    return list;
  };
  Object.defineProperty(request, "rawTrailers", {
    configurable: true,
    enumerable: true,
    get: passed,
    set: (list: readonly string[]) => {
      received = list;
    },
  });
  defineView(request, "trailersDistinct", () => distinct(passed()));
  defineView(request, "trailers", () => joined(distinct(passed())));
}

function defineView(request: IncomingMessage, name: string, get: () => unknown): void {
  Object.defineProperty(request, name, { configurable: true, enumerable: true, get });
}

function distinct(list: readonly string[]): Record<string, string[]> {
  // A header may have the name of a property that every object has, such as `constructor`.
  const found: Record<string, string[]> = Object.create(null);
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index]?.toLowerCase() ?? "";
    const values = found[name] ?? [];
    values.push(list[index + 1] ?? "");
    found[name] = values;
  }
  return found;
}

function joined(lists: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.join(", ")]));
}
