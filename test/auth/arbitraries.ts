import fc from "fast-check";

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function fail(): never {
  throw new Error("a verifier must not touch this value");
}

const throwing = {
  toString: fail,
  valueOf: fail,
  toJSON: fail,
  [Symbol.toPrimitive]: fail,
  get length(): number {
    return fail();
  },
};

const hostileTexts = [
  "",
  "\0",
  "\ud800",
  "é",
  "%",
  "%zz",
  "%E9",
  "/?exp=1&sig=%E9%zz%",
  "a".repeat(1_048_576),
  `/${"?a&".repeat(400_000)}`,
];

/** Values that break code which converts, measures or inspects its argument. */
export const hostileValues: readonly unknown[] = [
  ...hostileTexts,
  undefined,
  null,
  Number.NaN,
  10n,
  Symbol("token"),
  () => "token",
  Object("token"),
  Object.create(null),
  throwing,
  revokedProxy(),
  new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
];

/** Any text of UTF-16 code units, halves of surrogate pairs included. */
const anyText: fc.Arbitrary<string> = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
});

/** Any value of any type that fast-check can handle: for the others there are `hostileValues`. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...hostileTexts),
  anyText,
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withObjectString: true }),
);

/** Any function's arguments, as the caller of untyped JavaScript may give them. */
export const anyArguments: fc.Arbitrary<[unknown, unknown]> = fc.tuple(
  anyValue,
  fc.oneof(anyValue, fc.record({ secret: fc.oneof(anyValue, fc.array(anyValue)), now: anyValue })),
);

/**
 * Any character of Unicode. The unit `binary` of fast-check says the same, and builds a map of a million characters, at the
 * expense of every process that uses it.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .oneof(
    { arbitrary: fc.integer({ min: 0, max: 0xd7ff }), weight: 1 },
    { arbitrary: fc.integer({ min: 0xe000, max: 0x10ffff }), weight: 4 },
  )
  .map((code) => String.fromCodePoint(code));

/** A non-empty id as an HMAC token allows it. */
export const anyId: fc.Arbitrary<string> = fc
  .string({ unit: anyCharacter, minLength: 1 })
  .filter((id) => !/[.\0]/.test(id));

const oddities = [
  "é",
  "😀",
  " ",
  "+",
  "%",
  "%zz",
  "%2",
  "%20",
  "%2B",
  "%C3%A9",
  "%E9",
  "%FF",
  "%00",
  ";",
  "|",
  "'",
];
const pathPiece = fc.oneof(
  fc.constantFrom(...oddities, "/", "/", "/../", "/./", "/%2e%2E/", "%2F", "&", "=", "@", ":"),
  fc.string({ unit: anyCharacter }).map((text) => text.replaceAll(/[?#\\\p{Cc}]/gu, "")),
);
const queryPiece = fc.oneof(
  fc.constantFrom(...oddities, "=", "/", "?", "\\", "\t", "\n", "\ud800"),
  anyText.map((text) => text.replaceAll(/[&#]/g, "")),
);

/** A path as a person writes it: unescaped, with dot segments, with odd escapes. */
const anyPath: fc.Arbitrary<string> = fc.array(pathPiece).map((pieces) => `/${pieces.join("")}`);

/** A query with its `?`, with duplicates, empty pairs and undecodable escapes. No key is `exp` or `sig`. */
const anyQuery: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom("", "a", "a=", "a=1", "a=2", "=", "b[]=1"),
      fc.array(queryPiece).map((pieces) => `_${pieces.join("")}`),
    ),
  )
  .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.join("&")}`));

/** A path with a query that does not name another host. */
export const anyTarget: fc.Arbitrary<string> = fc
  .tuple(anyPath, anyQuery)
  .filter(([path]) => !new URL(`http://pod${path}?`).pathname.startsWith("//"))
  .map(([path, query]) => path + query);

/** A whole URL, with or without a path, a query and a fragment. */
export const anyFullUrl: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      "https://pod.example",
      "HTTP://Pod.example:8080",
      "wss://user:pass@pod.example:443",
      "ws://[::1]",
    ),
    fc.oneof(fc.constant(""), anyPath),
    anyQuery,
    fc.oneof(fc.constant(""), fc.constantFrom("#", "#t=10", "#a?b&sig=1")),
  )
  .map((parts) => parts.join(""));
