/** The table of cases, and the expectations of a case for every server. */
import { readFileSync } from "node:fs";
import {
  type AcceptedHash,
  createGuard,
  type Guard,
  type GuardScheme,
  type RefusalReason,
} from "../../../src/guard/index.ts";
import { fixedClock } from "../../fakes/clock.ts";

type HeaderPair = readonly [name: string, value: string];
type CorsName = "listed" | "unlisted" | "off";

export interface Config {
  readonly presharedKey?: string[];
  readonly signingSecret?: string[];
  readonly schemes?: GuardScheme[];
  readonly signedMethods?: string[];
  readonly origins?: string[];
  readonly publicPaths?: string[];
  readonly computeId?: string;
  readonly isReady?: boolean;
  readonly replaced?: AcceptedHash[];
}

export type Expectation =
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly cors: CorsName }
  | { readonly kind: "ready" | "starting" | "heartbeat" | "opened"; readonly cors: CorsName }
  | { readonly kind: "preflight"; readonly allowedHeaders: string }
  | {
      readonly kind: "pass";
      readonly credential: string;
      readonly url: string;
      readonly cors: CorsName;
      readonly subprotocols?: string;
      readonly authorization?: string;
      readonly cookie?: string;
      readonly referer?: string;
      readonly answered?: string;
    };

export interface Case {
  readonly name: string;
  readonly config?: string;
  readonly method?: string;
  readonly url: string;
  readonly headers?: HeaderPair[];
  readonly only?: "http";
  /** Adapters that refuse the request by a rule of their own. */
  readonly except?: readonly string[];
  readonly expect: Expectation;
}

interface Table {
  readonly now: number;
  readonly configs: Readonly<Record<string, Config>>;
  readonly answers: Readonly<
    Record<string, { status: number; headers: Record<string, string>; body?: unknown }>
  >;
  readonly cors: Readonly<Record<CorsName, Record<string, string>>>;
  readonly cases: Case[];
}

export const table: Table = JSON.parse(readFileSync(new URL("../cases.json", import.meta.url), "utf8"));

/** The answer of a guarded server, and the request that reached the server behind the guard, if one did. */
export interface Observed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly upstream?: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string | undefined>>;
  };
}

/** Makes the guard of a named configuration, at the table's time. */
export function guardFor(name: string, isReady?: () => boolean): Guard {
  const { replaced, isReady: ready = true, ...options } = configNamed(name);
  const clock = fixedClock(table.now);
  const guard = createGuard({ ...options, isReady: isReady ?? (() => ready), clock, env: {}, log: () => {} });
  if (replaced) guard.replaceHashes(replaced);
  return guard;
}

export function configNamed(name: string): Config {
  const config = table.configs[name];
  if (config === undefined) throw new Error(`cases.json has no configuration "${name}"`);
  return config;
}

export function isWebSocket({ headers = [] }: Case): boolean {
  return headers.some(([name]) => name === "Upgrade");
}

const JUDGED_HEADERS =
  /^(access-control-.*|vary|www-authenticate|cache-control|content-type|retry-after|x-atlas-refusal|location|set-cookie|referrer-policy|content-security-policy)$/;

/** Picks the parts of an observation that the table defines. They must be equal for every server. */
export function essence(observed: Observed): object {
  const { status, upstream, body } = observed;
  const headers = Object.entries(observed.headers).filter(([name]) => JUDGED_HEADERS.test(name));
  const answered = observed.headers["sec-websocket-protocol"];
  if (upstream === undefined)
    return { status, headers: Object.fromEntries(headers), body: body && JSON.parse(body) };
  return {
    url: upstream.url,
    authorization: upstream.headers.authorization,
    cookie: upstream.headers.cookie,
    referer: upstream.headers.referer,
    kind: upstream.headers["x-atlas-credential"],
    subprotocols: upstream.headers["sec-websocket-protocol"],
    headers: status === 101 ? undefined : Object.fromEntries(headers),
    answered: status === 101 ? answered : undefined,
  };
}

/** Returns the table's expectation for an exchange over this protocol. */
function expectedEssence(one: Case, upgraded: boolean): object {
  const { expect } = one;
  if (expect.kind === "pass")
    return {
      url: expect.url,
      authorization: expect.authorization,
      cookie: expect.cookie,
      referer: expect.referer,
      subprotocols: expect.subprotocols,
      kind: expect.credential,
      headers: upgraded
        ? undefined
        : { ...passHeaders(table.cors[expect.cors]), ...EDITS[expect.credential] },
      answered: upgraded ? expect.answered : undefined,
    };
  const { status, headers, body = "" } = table.answers[expect.kind] ?? { status: 0, headers: {} };
  const cors =
    expect.kind === "preflight"
      ? { "access-control-allow-headers": expect.allowedHeaders }
      : table.cors[expect.cors];
  return { status, headers: { ...headers, ...cors }, body };
}

/** Headers of the server behind: CORS headers that the guard has to drop, and a `Vary` that it has to keep. */
export const UPSTREAM_HEADERS: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-allow-credentials": "true",
  vary: "Accept-Encoding",
};

/** The headers that the guard adds to an answer without any of them, by the credential of the request. */
const EDITS: Readonly<Record<string, object>> = {
  "signed-url": { "cache-control": "private", "referrer-policy": "same-origin" },
  prefix: { "cache-control": "private", "referrer-policy": "same-origin" },
  cookie: { "cache-control": "private", "content-security-policy": "frame-ancestors 'self'" },
};

function passHeaders({ vary, ...cors }: Record<string, string>): object {
  return { ...cors, vary: vary === undefined ? "Accept-Encoding" : `Accept-Encoding, ${vary}` };
}

/** The cases for an adapter that receives bytes, or for one that receives parsed requests. */
export function casesFor(speaks: "http" | "fetch"): readonly Case[] {
  return table.cases.filter(({ only }) => only === undefined || only === speaks);
}

/** The expectation of a case, for an exchange that the server takes as a WebSocket or not. */
export function expectedOf(one: Case, upgraded: boolean): object {
  const expected = expectedEssence(one, upgraded);
  // The answer to HEAD has no body.
  return one.method === "HEAD" && "body" in expected ? { ...expected, body: "" } : expected;
}
