/** The form of a route. Its type demands a credential and a rule for the body. */
import { AtlasError } from "../errors.ts";
import { type BodyRule, readBody } from "./body.ts";
import { type CredentialKind, credentials, type Identities } from "./credentials.ts";
import type { Plane } from "./options.ts";
import { refuseForgery } from "./origins.ts";
import type { Rate } from "./rate-limiter.ts";

/** The methods of the routes. */
export const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

/** A method of a route. */
export type Method = (typeof METHODS)[number];

/** A request on its way to a route. */
export interface Arrival {
  readonly plane: Plane;
  readonly request: Request;
  /** The value of `:id` or `:slot` in the path; empty in a path without them. */
  readonly id: string;
}

/** A request whose credential and body were accepted. */
export interface RouteCall<Kind extends CredentialKind, Body = undefined> extends Arrival {
  readonly identity: Identities[Kind];
  readonly body: Body;
}

/** A row of the table. */
interface RouteRule<Kind extends CredentialKind, Body> {
  readonly method: Method;
  readonly path: string;
  readonly credential: Kind;
  readonly body: BodyRule<Body>;
  /** The limit for each holder of the credential. */
  readonly rate?: Rate;
  /** False for a GET with an effect, which HEAD must not have. @default true */
  readonly head?: boolean;
  readonly handle: (call: RouteCall<Kind, Body>) => Promise<Response>;
}

/** A route that can answer. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly credential: CredentialKind;
  readonly maxBytes: number;
  readonly rate: Rate | undefined;
  readonly head: boolean;
  /** Checks the credential, then the origin of a change, then the rate, then the body, and answers. */
  answer(arrival: Arrival): Promise<Response>;
}

/** Makes a route of a row. */
export function route<Kind extends CredentialKind, Body>(rule: RouteRule<Kind, Body>): Route {
  const { method, path, credential, body, rate, head = true } = rule;
  return {
    ...{ method, path, credential, rate, head },
    maxBytes: body.maxBytes,
    answer: async (arrival) => {
      const { plane, request } = arrival;
      const { authenticate, nameOf, isForgeable } = credentials[credential];
      const identity = await authenticate(plane, request);
      if (isForgeable) {
        refuseForgery(plane, request);
        await plane.hosts.refuseForeign(request);
      }
      if (rate !== undefined) limit(plane, `${method} ${path} ${nameOf(identity)}`, rate);
      return rule.handle({ ...arrival, identity, body: await readBody(request, body) });
    },
  };
}

/** Takes one request from a rate. @throws RATE_LIMIT when there is none left */
export function limit({ limiter }: Plane, key: string, rate: Rate): void {
  const retryAfterSeconds = limiter.take(key, rate);
  if (retryAfterSeconds === 0) return;
  const { perMinute, burst } = rate;
  throw new AtlasError(
    "RATE_LIMIT",
    `The limit is ${perMinute} requests a minute, ${burst} at once: wait ${retryAfterSeconds} s.`,
    {
      retryAfterSeconds,
    },
  );
}
