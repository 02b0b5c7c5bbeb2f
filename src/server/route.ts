/** What a route is. There is no way to make one without saying who may call it and what it takes. */
import { AtlasError } from "../errors.ts";
import { type BodyRule, readBody } from "./body.ts";
import { type CredentialKind, credentials, type Identities } from "./credentials.ts";
import type { Plane } from "./options.ts";
import type { Rate } from "./rate-limiter.ts";

/** A request that came to a route. */
export interface Arrival {
  readonly plane: Plane;
  readonly request: Request;
  /** What stands in the path for `:id`; empty in a path without. */
  readonly id: string;
}

/** A request whose credential and body were accepted. */
export interface Call<Kind extends CredentialKind, Body = undefined> extends Arrival {
  readonly identity: Identities[Kind];
  readonly body: Body;
}

/** A rule as it is written down. */
interface Rule<Kind extends CredentialKind, Body> {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly credential: Kind;
  readonly body: BodyRule<Body>;
  /** For each holder of the credential. */
  readonly rate?: Rate;
  /** False where a GET does something, so that HEAD cannot stand for it. @default true */
  readonly head?: boolean;
  readonly handle: (call: Call<Kind, Body>) => Promise<Response>;
}

/** A rule as it is carried out. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly credential: CredentialKind;
  readonly maxBytes: number;
  readonly rate: Rate | undefined;
  readonly head: boolean;
  /** Answers a request: the credential first, then the rate, then the body. */
  answer(arrival: Arrival): Promise<Response>;
}

/** The route of a rule. */
export function route<Kind extends CredentialKind, Body>(rule: Rule<Kind, Body>): Route {
  const { method, path, credential, body, rate, head = true } = rule;
  return {
    ...{ method, path, credential, rate, head },
    maxBytes: body.maxBytes,
    answer: async (arrival) => {
      const { plane, request } = arrival;
      const { authenticate, nameOf } = credentials[credential];
      const identity = await authenticate(plane, request);
      if (rate !== undefined) limit(plane, `${method} ${path} ${nameOf(identity)}`, rate);
      return rule.handle({ ...arrival, identity, body: await readBody(request, body) });
    },
  };
}

function limit({ limiter }: Plane, key: string, rate: Rate): void {
  const retryAfterSeconds = limiter.take(key, rate);
  if (retryAfterSeconds === 0) return;
  const { perMinute, burst } = rate;
  throw new AtlasError(
    "RATE_LIMIT",
    `More than ${perMinute} a minute, ${burst} at once: wait ${retryAfterSeconds} s.`,
    {
      retryAfterSeconds,
    },
  );
}
