/** The headers that go through the proxy, in both directions: flat lists of name, value, name, value, as Node's parser gives them. */
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { editAnswer } from "../verdict/answer-edits.ts";
import type { GuardPass } from "../verdict/request.ts";
import { isCorsHeader, isOwnHeader, joinVary } from "./node-response.ts";
import { isPassed, replacements } from "./passed-request.ts";

/** The treatment of the addresses that earlier proxies have noted: `append` keeps them, `replace` starts anew. */
export type ForwardedMode = "append" | "replace";

/** Headers of one connection (RFC 9110, section 7.6.1), and those that frame a message. They end here, in both directions. */
const CONNECTION_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Headers that the proxy writes by itself, and headers by which some servers replace the target that the guard has judged. */
const REPLACED = new Set(["host", "x-original-url", "x-rewrite-url", "x-original-uri"]);
const FORWARDED = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
]);
/** Names as nginx accepts them. Servers that turn names into variables take `_` and `-` for the same character. */
const PLAIN_NAME = /^[a-z\d-]+$/;

/** Makes the headers of the request that goes on to the server behind. The caller adds the framing. */
export function requestHeaders(request: IncomingMessage, pass: GuardPass, mode: ForwardedMode): string[] {
  const { rawHeaders, headers } = request;
  const named = connectionNames(headers.connection);
  const edits = pass.requestHeaders;
  const edited = Object.keys(edits);
  const list: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (CONNECTION_HEADERS.has(lower) || named.has(lower) || REPLACED.has(lower)) continue;
    if (!PLAIN_NAME.test(lower) || isReplacedAddress(lower, mode)) continue;
    const value = rawHeaders[index + 1] ?? "";
    if (isPassed(lower, value, edited)) list.push(name, value);
  }
  if (headers.host !== undefined) list.push("Host", headers.host);
  list.push(...forwardedHeaders(request, mode), ...replacements(edits, pass));
  return list;
}

/** Makes the headers of the answer that goes on to the caller. The caller adds the framing. */
export function answerHeaders(answer: IncomingMessage, pass: GuardPass): string[] {
  const { rawHeaders, headers } = answer;
  const { headers: own } = pass;
  const edits = editAnswer(pass, (name) => valuesOf(answer, name));
  const named = connectionNames(headers.connection);
  const list: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    const isOurs = isCorsHeader(lower) || isOwnHeader(lower) || (lower === "vary" && own.vary !== undefined);
    if (!isOurs && !Object.hasOwn(edits, lower) && !CONNECTION_HEADERS.has(lower) && !named.has(lower))
      list.push(name, rawHeaders[index + 1] ?? "");
  }
  for (const name in own)
    list.push(name, name === "vary" ? joinVary(headers.vary, own[name] ?? "") : (own[name] ?? ""));
  for (const [name, values] of Object.entries(edits)) for (const value of values) list.push(name, value);
  return list;
}

/** Every line of a header as it came. */
function valuesOf({ headers, rawHeaders }: IncomingMessage, wanted: string): string[] {
  if (headers[wanted] === undefined) return [];
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted);
}

/** True for an address that this proxy writes anew. The scheme or host of an earlier proxy stays, because that proxy is nearer to the user. */
function isReplacedAddress(lower: string, mode: ForwardedMode): boolean {
  return lower === "x-forwarded-for" || (mode === "replace" && FORWARDED.has(lower));
}

function forwardedHeaders({ headers, socket }: IncomingMessage, mode: ForwardedMode): string[] {
  const before = (name: string): string | undefined =>
    mode === "append" ? (headers[name] as string | undefined) : undefined;
  const peer = socket.remoteAddress ?? "unknown";
  const forwardedFor = before("x-forwarded-for");
  const list = ["X-Forwarded-For", forwardedFor === undefined ? peer : `${forwardedFor}, ${peer}`];
  const { encrypted = false } = socket as Partial<Pick<TLSSocket, "encrypted">>;
  if (before("x-forwarded-proto") === undefined) list.push("X-Forwarded-Proto", encrypted ? "https" : "http");
  if (before("x-forwarded-host") === undefined && headers.host !== undefined)
    list.push("X-Forwarded-Host", headers.host);
  if (before("x-forwarded-port") === undefined) list.push("X-Forwarded-Port", String(socket.localPort ?? ""));
  return list;
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** The headers that `Connection` declares to be of this connection. */
function connectionNames(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || !connection.includes(",")) {
    const name = connection?.trim().toLowerCase();
    return name === undefined || name === "keep-alive" || name === "close" ? NO_NAMES : new Set([name]);
  }
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}
