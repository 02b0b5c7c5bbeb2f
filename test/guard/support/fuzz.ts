/** Requests with invalid credentials: cut, bent, doubled and mixed. */
import fc from "fast-check";
import type { GuardHeader, GuardRequest } from "../../../src/guard/index.ts";
import { anyCharacter, anyTarget } from "../../auth/arbitraries.ts";

/** The token and the secret of the fuzzed guard. The generator makes invalid credentials from them. */
export const FUZZ_TOKEN = "openfn-apollo-test-token";
export const FUZZ_SECRET = "test-secret";

const SIGNED = "/p?a=1&exp=1700000060&sig=6r0BNu_DKWzzdviGOiKy6WOGvq8_CpJ_DiuJ8wuCfrk";

const noise = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.string({ maxLength: 40 }),
  fc.constant(""),
);

/** A text with a deletion, an insertion, a repetition or a reversal. */
function bent(text: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: text.length });
  return fc.oneof(
    fc.tuple(place, noise).map(([at, more]) => text.slice(0, at) + more + text.slice(at)),
    fc
      .tuple(place, fc.integer({ min: 1, max: 5 }))
      .map(([at, count]) => text.slice(0, at) + text.slice(at + count)),
    fc
      .tuple(place, fc.integer({ min: 0, max: 0xffff }))
      .map(([at, code]) => text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)),
    fc.constantFrom(
      text.toUpperCase(),
      text + text,
      text.split("").toReversed().join(""),
      `${text}\0`,
      encodeURIComponent(text),
    ),
    noise,
  );
}

const authorization = fc.oneof(
  bent(`Bearer ${FUZZ_TOKEN}`),
  fc
    .tuple(bent(FUZZ_TOKEN), fc.constantFrom("Bearer ", "bearer  ", "Basic ", "", "Bearer\t"))
    .map(([token, scheme]) => scheme + token),
  fc.constant(`Bearer ${FUZZ_TOKEN}, Bearer ${FUZZ_TOKEN}`),
);
const subprotocol = fc.oneof(
  bent(`atlas.v1, atlas.bearer.${FUZZ_TOKEN}`),
  bent(FUZZ_TOKEN).map((token) => `atlas.v1, atlas.bearer.${token}`),
);
const url = fc.oneof(
  bent(SIGNED),
  noise.map((path) => `/${path}`),
  fc
    .tuple(
      fc.constantFrom("http://pod", "https://pod.example:8443", "wss://[::1]", "ftp://pod", ""),
      anyTarget,
      fc.oneof(
        fc.constant(""),
        noise.map((text) => `#${text}`),
      ),
    )
    .map(([origin, target, fragment]) => origin + target + fragment),
  fc
    .tuple(bent("1700000060"), bent("6r0BNu_DKWzzdviGOiKy6WOGvq8_CpJ_DiuJ8wuCfrk"))
    .map(([exp, sig]) => `/p?a=1&exp=${exp}&sig=${sig}`),
);
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** A request without a valid credential. */
export const malformedRequest: fc.Arbitrary<GuardRequest> = fc
  .record({
    method: fc.oneof(fc.constantFrom("GET", "POST", "OPTIONS", "HEAD"), noise),
    url,
    authorization: maybe(authorization),
    origin: maybe(fc.oneof(fc.constant("https://app.example"), noise)),
    upgrade: maybe(fc.oneof(fc.constant("websocket"), noise)),
    "sec-websocket-protocol": maybe(subprotocol),
    "access-control-request-method": maybe(noise),
    "access-control-request-headers": maybe(noise),
  })
  .map(({ method, url: target, ...headers }) => ({
    method,
    url: target,
    header: (name: GuardHeader) => new Map(Object.entries(headers)).get(name),
  }))
  .filter((request) => !isRight(request));

/** True for a bend that left a valid credential, which is no test case. */
function isRight({ url: target, header }: GuardRequest): boolean {
  if (/^bearer +openfn-apollo-test-token$/i.test(header("authorization") ?? "")) return true;
  const offered =
    header("sec-websocket-protocol")
      ?.split(",")
      .map((name) => name.trim()) ?? [];
  return offered.includes(`atlas.bearer.${FUZZ_TOKEN}`) || hasRightSignature(target);
}

/** Checks a signature with the platform's parser instead of the guard's. A fragment may follow a whole URL. */
function hasRightSignature(target: string): boolean {
  const query = new URLSearchParams(target.split("#")[0]?.split("?").slice(1).join("?"));
  return (
    /^(?:\w+:\/\/[^/]+)?\/p\?/.test(target) &&
    query.toString().length > 0 &&
    query.getAll("a").join() === "1" &&
    query.getAll("exp").join() === "1700000060" &&
    query.getAll("sig").join() === "6r0BNu_DKWzzdviGOiKy6WOGvq8_CpJ_DiuJ8wuCfrk"
  );
}
