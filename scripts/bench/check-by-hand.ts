/**
 * A check as a program would write it by hand for one token, one origin and `node:http`: the digest, the comparison in constant time, the
 * refusals of {@link file://../../src/guard/servers/reading.ts}, the request without its token and the CORS headers of the answer. The guard is
 * measured beside it.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from "node:http";

const PROBLEM = JSON.stringify({ title: "This pod needs a valid credential.", status: 401 });
const SINGLE = new Set(["authorization", "content-length", "expect", "host", "transfer-encoding", "upgrade"]);
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const TARGET = /^\/(?!\/)[!-~]*$/;
const TOKEN = /^bearer +([\x21-\x7e]+)$/i;

/** The options of {@link checkByHand}. */
export interface CheckByHandOptions {
  readonly token: string;
  readonly origin: string;
}

/** Puts the check in front of a listener. */
export function checkByHand(
  { token, origin }: CheckByHandOptions,
  listener: RequestListener,
): RequestListener {
  const expected = digest(token);
  const listed = { "access-control-allow-origin": origin, vary: "Origin" };
  const unlisted = { vary: "Origin" };
  return (request, response) => {
    const { headers, method } = request;
    const cors = headers.origin === origin ? listed : unlisted;
    if (method === "OPTIONS" && headers["access-control-request-method"] !== undefined && cors === listed)
      return void response.writeHead(204, { ...cors, "access-control-allow-headers": "authorization" }).end();
    const given = isReadInOneWay(request) ? TOKEN.exec(headers.authorization ?? "")?.[1] : undefined;
    if (given === undefined || !timingSafeEqual(digest(given), expected)) return refuse(response, cors);
    stripToken(request);
    addCors(response, cors);
    listener(request, response);
  };
}

function digest(token: string): Buffer {
  return Buffer.from(hash("sha256", token, "hex"), "hex");
}

function refuse(response: ServerResponse, cors: OutgoingHttpHeaders): void {
  const own = { "content-type": "application/problem+json", "content-length": PROBLEM.length };
  response.writeHead(401, { ...cors, ...own, "www-authenticate": "Bearer" }).end(PROBLEM);
}

/** True when every server finds the same target, the same host and one value of each header that decides. */
function isReadInOneWay({ url = "", headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  const found = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    if (!SINGLE.has(name)) continue;
    if (found.has(name)) return false;
    found.add(name);
  }
  if (found.has("transfer-encoding") && (found.has("content-length") || httpVersion !== "1.1")) return false;
  return TARGET.test(url) && (headers.host === undefined || HOST.test(headers.host));
}

/** Takes the token out of the request, and every header that only the check may set. */
function stripToken(request: IncomingMessage): void {
  const { rawHeaders, headers } = request;
  const list: string[] = [];
  const passed: IncomingMessage["headers"] = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (lower === "authorization" || lower.startsWith("x-atlas-")) continue;
    list.push(name, rawHeaders[index + 1] ?? "");
    passed[lower] = headers[lower];
  }
  list.push("X-Atlas-Credential", "bearer");
  passed["x-atlas-credential"] = "bearer";
  request.headers = passed;
  request.rawHeaders = list;
}

/** Replaces the CORS headers of the answer when it is sent. */
function addCors(response: ServerResponse, cors: OutgoingHttpHeaders): void {
  const writeHead = response.writeHead;
  response.writeHead = (status: number, given?: unknown) => {
    const merged: OutgoingHttpHeaders = { ...cors };
    for (const [name, value] of Object.entries(given ?? {}))
      if (!name.toLowerCase().startsWith("access-control-")) merged[name] = value;
    return writeHead.call(response, status, merged);
  };
}
