import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { excerpt, redact } from "../../src/internal/redact.ts";

describe("redact", () => {
  it("takes out a secret wherever it stands, also in its JSON and URL spelling", () => {
    const secret = 'pass "word"\n&';
    const text = `${secret} ${JSON.stringify({ secret })} ${encodeURIComponent(secret)}`;
    expect(redact(text, [secret])).toBe('[redacted] {"secret":"[redacted]"} [redacted]');
  });

  it.each([
    ["Authorization: Bearer abc.def", "Authorization: [redacted]"],
    ["key rpa_ABCDEF0123 is bad", "key [redacted] is bad"],
    ["FlyV1 fm2_abc+/=,fm2_def was sent", "[redacted] was sent"],
    ["see https://x.test/a?token=abc#b now", "see https://x.test/a?[redacted] now"],
  ])("takes out a text that looks like a credential: %s", (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it("takes out the longer secret first when one holds the other", () => {
    expect(redact("abcdef", ["abcd", "abcdef"])).toBe("[redacted]");
  });

  it("leaves no secret of four characters or more in any text", () => {
    const secret = fc
      .string({ minLength: 4, unit: "grapheme" })
      .filter((value) => !"[redacted]".includes(value));
    fc.assert(
      fc.property(fc.string(), secret, fc.string(), (before, hidden, after) => {
        const rest = redact(`${before}${hidden}${after}`, [hidden]);
        expect(rest.split("[redacted]").every((part) => !part.includes(hidden))).toBe(true);
      }),
    );
  });
});

describe("excerpt", () => {
  it("is one line of at most 200 characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 1000 }), (text) => {
        const line = excerpt(text);
        expect(line.length).toBeLessThanOrEqual(200);
        expect(line).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
