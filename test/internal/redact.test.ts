import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excerpt, redact, redactDeep, withoutEnv } from "../../src/internal/redact.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
/** A secret as applications have them; none that the replacement itself contains. */
const secret = fc
  .string({ minLength: 12, maxLength: 60, unit: fc.constantFrom(..."abcXYZ019-_/+=.:@é漢😀 \n\"'") })
  .filter((value) => /[a-zA-Z0-9]{3}/.test(value) && !"[redacted]".includes(value.trim()));

/** A way in which a foreign text may spell a secret. */
type Spell = (secret: string) => string;

const base64At =
  (offset: number, encoding: "base64" | "base64url"): Spell =>
  (value) => {
    const bytes = Buffer.from(value);
    const lead = Math.ceil((offset * 8) / 6);
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    return Buffer.concat([Buffer.alloc(offset, "~"), bytes])
      .toString(encoding)
      .slice(lead, end);
  };
const unicode: Spell = (value) =>
  value.replaceAll(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const percent: Spell = (value) =>
  [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

const html: Spell = (value) =>
  value.replaceAll(
    /[&<>"']/g,
    (one) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot" }[one] ?? "#39"};`,
  );
const wrapped =
  (length: number, by: string): Spell =>
  (value) =>
    value.match(new RegExp(`.{1,${length}}`, "gsu"))?.join(by) ?? "";

const spellings: readonly (readonly [string, Spell])[] = [
  ["as it is", (value) => value],
  ["in JSON", (value) => JSON.stringify(value).slice(1, -1)],
  ["in JSON in JSON", (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3)],
  ["in JSON with every character escaped", unicode],
  [
    "in JSON with capital digits",
    (value) => unicode(value).replaceAll(/u\w{4}/g, (code) => `u${code.slice(1).toUpperCase()}`),
  ],
  ["in a URL", encodeURIComponent],
  ["in a URL with small digits", percent],
  ["in a URL in a URL", (value) => encodeURIComponent(percent(value))],
  ["in a form", (value) => new URLSearchParams({ value }).toString().slice(6)],
  ["in hex", (value) => Buffer.from(value).toString("hex")],
  ["in capital hex", (value) => Buffer.from(value).toString("hex").toUpperCase()],
  ...[0, 1, 2].flatMap((offset) =>
    (["base64", "base64url"] as const).map(
      (encoding) => [`in ${encoding} behind ${offset} bytes`, base64At(offset, encoding)] as const,
    ),
  ),
  ["in base64 in JSON that escapes slashes", (value) => base64At(0, "base64")(value).replaceAll("/", "\\/")],
  ["in HTML", html],
  ["in HTML in HTML", (value) => html(html(value))],
  [
    "in HTML with every character as a number",
    (value) => [...value].map((one) => `&#${one.codePointAt(0)};`).join(""),
  ],
  [
    "in HTML with numbers in hex",
    (value) => [...value].map((one) => `&#x${one.codePointAt(0)?.toString(16)};`).join(""),
  ],
  ["as the bytes of a string in C", (value) => percent(value).replaceAll("%", "\\x")],
  ["over lines of ten characters", wrapped(10, "\n")],
  ["in base64 over lines", (value) => wrapped(8, "\r\n")(base64At(0, "base64")(value))],
  ["in hex with colons", (value) => wrapped(2, ":")(Buffer.from(value).toString("hex"))],
  ["in hex with spaces", (value) => wrapped(2, " ")(Buffer.from(value).toString("hex"))],
  ["in base64 in a URL", (value) => encodeURIComponent(base64At(0, "base64")(value))],
];

describe("redact", () => {
  it.each(spellings)("takes a secret out of any text: %s", (_name, spell) => {
    fc.assert(
      fc.property(text, secret, text, (before, hidden, after) => {
        expect(redact(`${before} <${spell(hidden)}> ${after}`, [hidden])).toContain("<[redacted]>");
      }),
    );
  });

  it.each(spellings)(
    "takes out a secret that is cut off behind its twelfth character: %s",
    (_name, spell) => {
      fc.assert(
        fc.property(secret, fc.nat(), (hidden, length) => {
          const characters = [...hidden];
          const cut = characters.slice(0, 12 + (length % (characters.length - 11))).join("");
          const spelled = spell(cut);
          const shown = redact(`<${spelled}>`, [hidden]);
          expect(shown).toContain("[redacted]");
          expect(shown).not.toContain(spelled);
        }),
      );
    },
  );

  it.each([
    ["Authorization: Bearer abc.def", "Authorization: [redacted]"],
    ["key rpa_ABCDEF0123 is bad", "key [redacted] is bad"],
    ["FlyV1 fm2_abc+/=,fm2_def was sent", "[redacted] was sent"],
    ["see https://x.test/a?token=abc#b now", "see https://x.test/a?[redacted] now"],
  ])("takes out a text that looks like a credential: %s", (given, expected) => {
    expect(redact(given)).toBe(expected);
  });

  it("takes out the longer secret first when one holds the other", () => {
    expect(redact("abcdef", ["abcd", "abcdef"])).toBe("[redacted]");
  });

  it("leaves a text alone that shares fewer than twelve characters with a secret", () => {
    const given = "https://api. and production, 8000, c2VjcmV0, 736563726574";
    expect(redact(given, ["https://api.example/v1", "productive", "secret-of-the-application"])).toBe(
      given.replace("https://api.", "[redacted]"),
    );
  });

  it("leaves no secret of four characters or more in any text", () => {
    const short = fc
      .string({ minLength: 4, unit: "grapheme" })
      .filter((value) => !"[redacted]".includes(value));
    fc.assert(
      fc.property(fc.string(), short, fc.string(), (before, hidden, after) => {
        const rest = redact(`${before}${hidden}${after}`, [hidden]);
        expect(rest.split("[redacted]").every((part) => !part.includes(hidden))).toBe(true);
      }),
    );
  });

  it("finds a secret of several lines in an excerpt, which has one", () => {
    const key = "-----BEGIN KEY-----\r\nMIIBVgIBADANBgkqhkiG9w0\r\n-----END KEY-----";
    expect(redact(excerpt(`got ${key} instead`), [key])).toBe("got [redacted] instead");
  });
});

describe("redactDeep", () => {
  it("takes secrets out of values and keys at any depth, and leaves the rest", () => {
    const given = {
      id: "p1",
      args: ["--key", "s3cret-value"],
      nested: { "s3cret-value": [{ a: "=s3cret-value=" }] },
      n: 7,
    };
    expect(redactDeep(given, ["s3cret-value"])).toEqual({
      ...{ id: "p1", args: ["--key", "[redacted]"], n: 7 },
      nested: { "[redacted]": [{ a: "=[redacted]=" }] },
    });
  });
});

describe("withoutEnv", () => {
  it.each(["env", "Env", "envs", "environment", "ENVIRONMENT", "envVars", "env_variables"])(
    "redacts every value below the key %s",
    (key) => {
      expect(withoutEnv({ a: { [key]: { A: "1", B: ["2"] } }, envelope: "3" })).toEqual({
        a: { [key]: { A: "[redacted]", B: ["[redacted]"] } },
        envelope: "3",
      });
    },
  );
});

describe("excerpt", () => {
  it("is one line of at most 200 characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 1000 }), (given) => {
        const line = excerpt(given);
        expect(line.length).toBeLessThanOrEqual(200);
        expect(line).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
