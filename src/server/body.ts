/** Reads request bodies: JSON only, and never more bytes than the route allows. */
import { AtlasError } from "../errors.ts";
import { BodyTooLong, readText } from "../internal/http-body.ts";
import { parseJson } from "../internal/json.ts";
import { RouteRefusal } from "./answer.ts";

/** The rule for a route's body. */
export interface BodyRule<Body> {
  /** The limit in bytes. With 0 the body is not read at all. */
  readonly maxBytes: number;
  /** Checks the parsed JSON; `undefined` stands for a missing body. @throws VALIDATION */
  readonly parse: (input: unknown) => Body;
}

/** For routes that take no body. */
export const noBody: BodyRule<undefined> = { maxBytes: 0, parse: () => undefined };

/** Reads and parses the body of a request. A body may be absent, but not of another type: an empty form is not an absent body. */
export async function readBody<Body>(request: Request, rule: BodyRule<Body>): Promise<Body> {
  if (rule.maxBytes === 0) return rule.parse(undefined);
  const type = request.headers.get("content-type");
  if (type !== null) requireJson(type);
  const text = await readAtMost(request, rule.maxBytes);
  return rule.parse(text === "" ? undefined : jsonOf(text, type));
}

async function readAtMost(request: Request, maxBytes: number): Promise<string> {
  if (request.bodyUsed)
    throw new TypeError("authorize has read the request's body; it may read only headers");
  try {
    return await readText(request, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLong) throw refused(413, `The body is longer than ${maxBytes} bytes.`);
    throw refused(400, "The connection closed before the body was complete.");
  }
}

function requireJson(contentType: string): void {
  if (!/^application\/(?:[\w.+-]+\+)?json[\t ]*(?:;|$)/i.test(contentType))
    throw refused(415, "The body has to be JSON, with content-type: application/json.");
}

function jsonOf(text: string, contentType: string | null): unknown {
  requireJson(contentType ?? "");
  const json = parseJson(text);
  if (json === undefined) throw refused(400, "The body is not JSON, or it is incomplete.");
  return json;
}

function refused(status: number, message: string): RouteRefusal {
  return new RouteRefusal(status, new AtlasError("VALIDATION", message));
}
