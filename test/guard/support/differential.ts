/** Requests for both guards: valid credentials of every kind, and mutations of them, from one seed. */
import fc from "fast-check";
import {
  generationSecret,
  hashToken,
  signOpeningLink,
  signPrefix,
  signUrl,
} from "../../../src/auth/index.ts";
import { mintCookie } from "../../../src/auth/links/cookie.ts";

/** The time of every state, in Unix seconds. */
const NOW = 1_700_000_000;

const TOKENS = ["a".repeat(43), `Z${"_-9".repeat(14)}`, "openfn-apollo-test-token"];
const UNKNOWN = "u".repeat(43);
const SECRETS = ["test-secret", "older-secret"];
const ID = "c1";
const AT = "https://pod-8000.proxy.runpod.net";
const LOCAL = "http://127.0.0.1:41000";

/** A state of a guard, as data for both languages. */
export interface DifferentialState {
  readonly hashes: readonly string[];
  readonly secrets: readonly string[];
  readonly generation: number;
  readonly schemes: readonly ("bearer" | "signed-url" | "cookie")[];
  readonly furtherMethods: readonly string[];
  readonly standing: "alone" | "settled" | "starting" | "rejected";
  readonly origins: readonly string[];
  readonly publicPaths: readonly string[];
  readonly computeId: string | null;
  readonly now: number;
}

/** A request, and the headers of the server behind's answer to it. */
export interface DifferentialRequest {
  readonly state: number;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly answer: readonly (readonly [name: string, value: string])[];
}

const full: DifferentialState = {
  hashes: TOKENS.map(hashToken),
  secrets: SECRETS,
  generation: 0,
  schemes: ["bearer", "signed-url", "cookie"],
  furtherMethods: [],
  standing: "alone",
  origins: ["https://app.example", "https://preview-*.app.example"],
  publicPaths: ["/healthz", "/assets/*"],
  computeId: ID,
  now: NOW,
};

export const STATES: readonly DifferentialState[] = [
  full,
  { ...full, generation: 3 },
  { ...full, schemes: ["bearer"] },
  { ...full, schemes: ["signed-url"], origins: [] },
  { ...full, schemes: ["cookie"], publicPaths: [] },
  { ...full, furtherMethods: ["PUT", "WEBSOCKET"] },
  { ...full, standing: "starting" },
  { ...full, standing: "rejected" },
  { ...full, computeId: null },
  { ...full, hashes: [] },
  { ...full, secrets: [], schemes: ["bearer"] },
  { ...full, hashes: [], secrets: [] },
  { ...full, hashes: [], secrets: [], standing: "settled" },
];

const signing = SECRETS.flatMap((secret) => [0, 3].map((generation) => generationSecret(secret, generation)));
const GENUINE_TARGETS: readonly string[] = signing.flatMap((secret) => [
  signUrl("/me@home.png?n=a%20b&n=+", { secret, now: NOW }),
  signUrl("/p", { secret, now: NOW }).replaceAll("%", "%25"),
  `${signPrefix("/hls/42/", { secret, now: NOW })}caf%c3%a9/%7Ea.ts?exp=1&sig=2`,
  `${signPrefix("/a/", { secret, now: NOW })}`,
  signOpeningLink(AT, { secret, to: "/lab?x=1", now: NOW }).slice(AT.length),
  signOpeningLink(LOCAL, { secret, now: NOW }).slice(LOCAL.length),
]);
const PLAIN_TARGETS = [
  "/",
  "/v1/chat?exp=1&sig=x",
  "/healthz",
  "/assets/a.js",
  "/.well-known/atlas/ready",
  "/.well-known/atlas/heartbeat",
  "/.well-known/atlas/open",
  "/.atlas/",
  "http://pod.example/v1",
  `/p?exp=${NOW}&sig=${"x".repeat(43)}`,
];
const COOKIES = signing.flatMap((secret) =>
  [AT, LOCAL].flatMap((at) =>
    [ID, null].map(
      (computeId) => mintCookie({ secret, at, computeId, seconds: 600, now: NOW }).split(";", 1)[0] ?? "",
    ),
  ),
);

/** Pieces with a meaning, which a mutation puts into a text. */
const MEANINGFUL = [
  "%2e",
  "%2F",
  "%25",
  "%00",
  "%C0%AE",
  "/",
  "//",
  "/..",
  "/.",
  ";",
  "?",
  "#",
  "&",
  "=",
  "+",
  ",",
  " ",
  "\t",
  "\\",
  '"',
  "é",
  "\u00a0",
  "\u0085",
  "exp=1",
  "&sig=",
  "a",
  "0",
  "-",
  "_",
  ".",
];

function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  const text = fc.constantFrom(...texts);
  const change = fc.tuple(text, fc.nat(400), fc.nat(4), fc.constantFrom(...MEANINGFUL));
  return fc.oneof(
    { weight: 6, arbitrary: text },
    { weight: 3, arbitrary: change.map(([one, at, cut, piece]) => splice(one, at, cut, piece)) },
    { weight: 1, arbitrary: fc.tuple(text, text).map(([one, other]) => one + other) },
    { weight: 1, arbitrary: change.map(([one, at]) => swapCase(one, at % (one.length + 1))) },
    { weight: 1, arbitrary: change.map(([one, at]) => escapeOne(one, at % (one.length + 1))) },
  );
}

function splice(text: string, at: number, cut: number, piece: string): string {
  const start = at % (text.length + 1);
  return text.slice(0, start) + piece + text.slice(start + cut);
}

function swapCase(text: string, at: number): string {
  const character = text.charAt(at);
  const other = character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase();
  return text.slice(0, at) + (other.charCodeAt(0) < 256 ? other : character) + text.slice(at + 1);
}

function escapeOne(text: string, at: number): string {
  const code = text.charCodeAt(at);
  return Number.isNaN(code)
    ? text
    : `${text.slice(0, at)}%${code.toString(16).padStart(2, "0")}${text.slice(at + 1)}`;
}

/** The values that each request header may have. */
const HEADERS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  authorization: mutated([
    ...TOKENS.map((token) => `Bearer ${token}`),
    `bearer ${UNKNOWN}`,
    "Bearer wrong",
    `Basic x, Bearer ${UNKNOWN}`,
    "Basic dXNlcjpwYXNz",
  ]),
  cookie: mutated([
    ...COOKIES,
    `own=1; ${COOKIES[0]}; b=2`,
    ...Array.from({ length: 2 }, () => `__Host-atlas=x; ${COOKIES[0]}`),
    "own=1",
    "atlas-=x; atlas-c1=y",
  ]),
  host: fc.constantFrom("pod.example", "POD.example:8000", AT.slice(8)),
  origin: fc.constantFrom(
    "https://app.example",
    "https://preview-7.app.example",
    "https://preview-.app.example",
    "null",
    AT,
    LOCAL,
    "https://evil.example",
  ),
  referer: mutated([
    ...GENUINE_TARGETS.slice(0, 5).map((one) => `https://pod.example${one}`),
    "https://pod.example/x?y#z",
    "/a",
  ]),
  "sec-fetch-site": fc.constantFrom("same-origin", "same-site", "cross-site", "none", "x"),
  "sec-fetch-mode": fc.constantFrom("navigate", "no-cors", "websocket"),
  "sec-fetch-dest": fc.constantFrom("document", "iframe", "image", "empty"),
  "sec-purpose": fc.constantFrom("prefetch"),
  "service-worker": fc.constantFrom("script"),
  upgrade: fc.constantFrom("websocket", "WebSocket", "h2c"),
  "sec-websocket-protocol": mutated(
    [...TOKENS, UNKNOWN].map((token) => `atlas.v1, atlas.bearer.${token}, chat`),
  ),
  "access-control-request-method": fc.constantFrom("PUT"),
  "access-control-request-headers": fc.constantFrom("authorization, x-own", "x: y"),
};

const ANSWERS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "cache-control": mutated(["public, max-age=60, s-maxage=600", 'private="x, public", no-store', "no-cache"]),
  location: mutated([
    "/hls/42/b?x#y",
    "https://pod.example/a/b",
    `${AT}/hls/42/`,
    "//evil.example/a/",
    "/a/../b",
    "c",
  ]),
  "set-cookie": mutated(["__Host-atlas=x; Path=/", "atlas-c1=x", "=__Host-atlas=x", "own=1; HttpOnly"]),
  "referrer-policy": fc.constantFrom("unsafe-url"),
  "content-security-policy": fc.constantFrom("default-src 'self'"),
};

/** Some of the headers, each at most once. */
function someOf(
  values: Readonly<Record<string, fc.Arbitrary<string>>>,
  share: number,
): fc.Arbitrary<[string, string][]> {
  const pairs = Object.entries(values).map(([name, value]) =>
    fc
      .tuple(fc.nat(99), value)
      .map(([chance, text]): [string, string][] => (chance < share ? [[name, trimmed(text)]] : [])),
  );
  return fc.tuple(...pairs).map((found) => found.flat());
}

/** A server trims the values of headers, and a header holds no line break. */
function trimmed(text: string): string {
  return text.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}

/** A request in one of the {@link STATES}. */
export const differentialRequest: fc.Arbitrary<DifferentialRequest> = fc.record({
  state: fc.nat(STATES.length - 1),
  method: fc.oneof(
    { weight: 4, arbitrary: fc.constant("GET") },
    fc.constantFrom("HEAD", "POST", "PUT", "OPTIONS", "get"),
  ),
  url: fc.oneof(mutated(GENUINE_TARGETS), mutated(PLAIN_TARGETS)),
  headers: someOf(HEADERS, 22),
  answer: someOf(ANSWERS, 50),
});
