/** Reading what a request carries: never more than its route allows, never anything but JSON. */
import { AtlasError } from "../errors.ts";
import { BodyTooLong, readText } from "../internal/http-body.ts";
import { Refusal } from "./answer.ts";

/** What a route takes as a body. */
export interface BodyRule<Body> {
  /** 0: the body is not even read. */
  readonly maxBytes: number;
  /** Parses the JSON, `undefined` when there is no body. @throws VALIDATION */
  readonly parse: (input: unknown) => Body;
}

/** For routes that take no body. */
export const noBody: BodyRule<undefined> = { maxBytes: 0, parse: () => undefined };

/** Reads and parses the body of a request. */
export async function readBody<Body>(request: Request, rule: BodyRule<Body>): Promise<Body> {
  const text = rule.maxBytes === 0 ? "" : await readAtMost(request, rule.maxBytes);
  return rule.parse(text === "" ? undefined : parseJson(text, request.headers.get("content-type")));
}

async function readAtMost(request: Request, maxBytes: number): Promise<string> {
  if (request.bodyUsed)
    throw new TypeError("authorize has read the request's body; it may only look at headers");
  try {
    return await readText(request, maxBytes);
  } catch (error) {
    if (error instanceof BodyTooLong) throw refused(413, `The body is longer than ${maxBytes} bytes.`);
    throw refused(400, "The body broke off.");
  }
}

function parseJson(text: string, contentType: string | null): unknown {
  if (!/^application\/(?:[\w.+-]+\+)?json[\t ]*(?:;|$)/i.test(contentType ?? ""))
    throw refused(415, "The body has to be JSON, with content-type: application/json.");
  try {
    return JSON.parse(text);
  } catch {
    throw refused(400, "The body is not JSON, or not all of it.");
  }
}

function refused(status: number, message: string): Refusal {
  return new Refusal(status, new AtlasError("VALIDATION", message));
}
