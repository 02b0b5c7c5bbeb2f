import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signUrl } from "../../src/auth/index.ts";
import { anyCharacter, anyFullUrl, anyTarget } from "./arbitraries.ts";
import {
  badSignature,
  malformed,
  now,
  sentByBrowser,
  signedByHand,
  signing,
  valid,
  verify,
} from "./signing.ts";

describe("a signed URL", () => {
  it("verifies as a whole and as the path and query that the server sees, for any URL", () => {
    fc.assert(
      fc.property(anyFullUrl, (url) => {
        const signed = signUrl(url, signing);
        expect(verify(signed)).toEqual(valid);
        expect(verify(new URL(signed).href)).toEqual(valid);
        expect(verify(sentByBrowser(signed))).toEqual(valid);
      }),
    );
  });

  it("verifies when a path with a query was signed, for any host it is put behind", () => {
    fc.assert(
      fc.property(anyTarget, (target) => {
        const signed = signUrl(target, signing);
        expect(verify(signed)).toEqual(valid);
        expect(verify(`wss://other.example${signed}`)).toEqual(valid);
        expect(verify(sentByBrowser(signed))).toEqual(valid);
      }),
    );
  });

  it("keeps every parameter that a server reads, in the order of its key", () => {
    const parameters = fc.array(
      fc.tuple(fc.constantFrom("a", "b[]", "é", "+", ""), fc.string({ unit: anyCharacter })),
    );
    fc.assert(
      fc.property(parameters, (pairs) => {
        const before = new URLSearchParams(pairs);
        const after = new URL(signUrl(`https://h/p?${before}`, signing)).searchParams;
        for (const key of before.keys()) expect(after.getAll(key)).toEqual(before.getAll(key));
        expect(after.size).toBe(before.size + 2);
      }),
    );
  });

  it("verifies with its parameters in another order, as long as equal keys keep theirs", () => {
    const keys = fc.uniqueArray(fc.string({ unit: anyCharacter }), { maxLength: 8 });
    fc.assert(
      fc.property(keys, fc.infiniteStream(fc.nat()), (distinct, weights) => {
        const query = new URLSearchParams(distinct.map((key): [string, string] => [`_${key}`, key]));
        const { searchParams } = new URL(signUrl(`https://h/p?${query}`, signing));
        const shuffled = [...searchParams]
          .map((pair) => ({ pair, weight: weights.next().value }))
          .sort((left, right) => left.weight - right.weight)
          .map(({ pair }) => pair);
        expect(verify(`/p?${new URLSearchParams(shuffled)}`)).toEqual(valid);
      }),
    );
  });

  it("is refused when any character of its path is changed", () => {
    fc.assert(
      fc.property(
        anyTarget,
        fc.nat(),
        fc.string({ unit: anyCharacter, maxLength: 1 }),
        (target, seed, other) => {
          const signed = signUrl(target, signing);
          const index = seed % signed.indexOf("?");
          fc.pre(signed[index] !== other);
          const changed = signed.slice(0, index) + other + signed.slice(index + 1);
          expect(verify(changed)).toMatchObject({ ok: false });
        },
      ),
    );
  });

  it("is refused when a parameter is added, removed or given another value", () => {
    const text = fc.string({ unit: anyCharacter });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), fc.nat(), text, (pairs, seed, other) => {
        const path = `/p?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [`_${key}`, value]))}`;
        const parameters = [...new URL(signUrl(`https://h${path}`, signing)).searchParams];
        const index = seed % parameters.length;
        const [key = "", value = ""] = parameters[index] ?? [];
        fc.pre(value !== other);
        for (const changed of [
          parameters.toSpliced(index, 1),
          parameters.toSpliced(index, 1, [key, other]),
          parameters.toSpliced(index, 0, [`_${other}`, other]),
        ]) {
          expect(verify(`/p?${new URLSearchParams(changed)}`)).toMatchObject({ ok: false });
        }
      }),
    );
  });

  it("is refused when equal keys change places", () => {
    const signed = signUrl("/p?a=1&b=0&a=2", signing);
    expect(signed).toContain("?a=1&b=0&a=2&exp=");
    expect(verify(signed.replace("a=1&b=0&a=2", "a=2&b=0&a=1"))).toEqual(badSignature);
    expect(verify(signed.replace("a=1&b=0&a=2", "b=0&a=1&a=2"))).toEqual(valid);
  });

  it("is refused with any other exp and any other signature", () => {
    const signed = signUrl("/p", signing);
    fc.assert(
      fc.property(fc.nat(), fc.string(), (seconds, text) => {
        fc.pre(seconds !== 60);
        const later = signed.replace(/exp=\d+/, `exp=${now + seconds}`);
        expect(verify(later)).toEqual(badSignature);
        expect(verify(signed.replace(/sig=.*/, `sig=${encodeURIComponent(text)}`))).toEqual(badSignature);
      }),
    );
  });

  it("is refused with unused bits of the signature's last character set", () => {
    const signed = signUrl("/p", signing);
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twin = digits.charAt(digits.indexOf(signed.slice(-1)) + 1);
    expect(verify(signed.slice(0, -1) + twin)).toEqual(badSignature);
  });

  it("covers bytes, so that two texts outside UTF-8 differ", () => {
    const signed = signUrl("/p?q=%FF", signing);
    expect(signed).toContain("q=%FF");
    for (const other of ["%FE", "%EF%BF%BD", "%25FF", "%C3%BF"]) {
      expect(verify(signed.replace("%FF", other))).toEqual(badSignature);
    }
    expect(verify(signed.replace("%FF", "%ff"))).toEqual(valid);
  });

  it("signs a character for its UTF-8 bytes, escaped or not", () => {
    const signed = signUrl("/p?é=Ā😀", signing);
    expect(signed).toBe(signUrl("/p?%C3%A9=%C4%80%F0%9F%98%80", signing));
    expect(verify(signed.replace("%C4%80", "Ā"))).toEqual(valid);
  });

  it("takes a percent sign that starts no escape for itself", () => {
    const signed = signUrl("/p?q=100%&r=%zz&s=%e", signing);
    expect(signed).toContain("q=100%&r=%zz&s=%e&exp=");
    expect(verify(signed.replace("%zz", "%25zz"))).toEqual(valid);
  });

  it("has no use for empty pairs, and reads a key without a value as one with an empty value", () => {
    const signed = signUrl("/p?&&a&", signing);
    expect(verify(signed)).toEqual(valid);
    expect(verify(signed.replace("&&a&", "a="))).toEqual(valid);
  });

  it("keeps the author's own query, byte for byte", () => {
    const query = "n=a%20b&t=a+b&e=%c3%a9&q=100%&&x;y=!'()*";
    expect(signUrl(`/p?${query}`, signing).startsWith(`/p?${query}&exp=`)).toBe(true);
    expect(signUrl("/p?q=é and\t1", signing)).toContain("?q=%C3%A9%20and%091&exp=");
  });

  it.each([
    ["/me%40home.png", "/me@home.png"],
    ["/me@home.png", "/me%40home.png"],
    ["/caf%c3%a9", "/caf%C3%A9"],
    ["/a~b", "/a%7Eb"],
  ])("over %s opens %s, because some servers and proxies decode a path", (path, received) => {
    const { search } = new URL(signUrl(path, signing), "http://pod");
    expect(verify(received + search)).toEqual(valid);
    expect(verify(path + search)).toEqual(valid);
  });

  it.each(["/a%2fb", "/a%2e", "/a//b", "/a%5cb", "/a%25b"])("over %s opens no other form of it", (path) => {
    const signed = signUrl(path, signing);
    expect(verify(signed)).toEqual(valid);
    expect(verify(signed.replace(path, decodeURIComponent(path)))).toEqual(
      decodeURIComponent(path) === path ? valid : expect.objectContaining({ ok: false }),
    );
  });

  it.each(["/.atlas", "/.atlas/x", "/.well-known/atlas/ready", "/.%61tlas/x"])(
    "over the guard's own path %s is neither made nor accepted",
    (path) => {
      expect(() => signUrl(path, signing)).toThrow("the guard's own paths");
      expect(verify(signedByHand(path, `exp=${now + 60}`))).toEqual(malformed);
    },
  );
});
