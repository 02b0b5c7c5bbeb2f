/** Finds requests that two servers could read in two ways. The guard refuses them, because the server behind might be the second one. */
import type { IncomingMessage } from "node:http";
import { isHttp2 } from "./http2.ts";

/** The parts of a request that {@link isAmbiguous} reads. */
export type ReadRequest = Pick<IncomingMessage, "httpVersion" | "rawHeaders">;

/** Headers with one value by their definition: of two, one server takes the first and another the last. */
const SINGLE = new Set([
  ":authority",
  "authorization",
  "content-length",
  "expect",
  "host",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-websocket-key",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const TARGET = /^(?:\/|https?:\/\/([^/?]+))[!-~]*$/i;

/** True when two servers could disagree about the target, the host, the end or a deciding header of a request. */
export function isAmbiguous(request: ReadRequest, url: string): boolean {
  const singles = singleHeaders(request.rawHeaders);
  if (singles === undefined || !hasOneEnd(singles, request)) return true;
  const authority = singles.get(":authority");
  const host = singles.get("host") ?? authority;
  if (authority !== undefined && authority.toLowerCase() !== host?.toLowerCase()) return true;
  if (host !== undefined && !HOST.test(host)) return true;
  const target = TARGET.exec(url);
  if (target === null) return true;
  return target[1] !== undefined && target[1].toLowerCase() !== host?.toLowerCase();
}

/** Reads the headers with one value by lowercase name; `undefined` when one of them came twice. */
function singleHeaders(rawHeaders: readonly string[]): Map<string, string> | undefined {
  const found = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!SINGLE.has(name)) continue;
    if (found.has(name)) return undefined;
    found.set(name, rawHeaders[index + 1] ?? "");
  }
  return found;
}

/** True when every server finds the same end of the body. */
function hasOneEnd(singles: ReadonlyMap<string, string>, request: ReadRequest): boolean {
  // The frames of HTTP/2 end a body. Node refuses a request whose headers speak of another end.
  if (isHttp2(request)) return !singles.has("transfer-encoding") && !singles.has("upgrade");
  const { httpVersion } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return false;
  const coding = singles.get("transfer-encoding");
  if (coding === undefined) return true;
  return coding.toLowerCase() === "chunked" && httpVersion === "1.1" && !singles.has("content-length");
}
