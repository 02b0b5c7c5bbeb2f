import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mintHmacToken, type VerifyHmacTokenOptions, verifyHmacToken } from "../../src/auth/index.ts";
import { anyArguments, anyCharacter, anyId, hostileValues } from "./arbitraries.ts";

const secret = "correct horse";
const identity = { workspaceId: "ws_alpha", threadId: "thr_42" };
const refused = { ok: false };

/** A token by its definition, which takes secrets and ids that `mintHmacToken` refuses. */
function signedBy(key: string, threadId: string = identity.threadId): string {
  const { workspaceId } = identity;
  const signature = createHmac("sha256", key).update(`${workspaceId}\0${threadId}`).digest("hex");
  return `${workspaceId}.${threadId}.${signature}`;
}

describe("an HMAC token", () => {
  it("names the workspace and the thread it was made for", () => {
    fc.assert(
      fc.property(anyId, anyId, (workspaceId, threadId) => {
        const token = mintHmacToken({ secret, workspaceId, threadId });
        expect(verifyHmacToken(token, { secret })).toEqual({ ok: true, workspaceId, threadId });
      }),
    );
  });

  it("is refused when the boundary between its ids is moved", () => {
    fc.assert(
      fc.property(anyId, anyId, fc.nat(), (workspaceId, threadId, seed) => {
        const ids = [...workspaceId, ...threadId];
        const cut = 1 + (seed % (ids.length - 1));
        fc.pre(cut !== [...workspaceId].length);
        const signature = mintHmacToken({ secret, workspaceId, threadId }).split(".").at(-1);
        const recut = `${ids.slice(0, cut).join("")}.${ids.slice(cut).join("")}.${signature}`;
        expect(verifyHmacToken(recut, { secret })).toEqual(refused);
      }),
    );
  });

  it("is refused when any of its characters is changed", () => {
    const token = mintHmacToken({ secret, ...identity });
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.string({ unit: anyCharacter, maxLength: 1 }),
        (index, other) => {
          fc.pre(token[index] !== other);
          const changed = token.slice(0, index) + other + token.slice(index + 1);
          expect(verifyHmacToken(changed, { secret })).toEqual(refused);
        },
      ),
    );
  });

  it.each([
    ["a fourth part", (token: string) => `${token}.`],
    ["a part before the first", (token: string) => `.${token}`],
    [
      "its signature in uppercase",
      (token: string) => token.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase()),
    ],
    ["a NUL for a dot", (token: string) => token.replace(".", "\0")],
    ["white space around it", (token: string) => ` ${token}`],
  ])("is refused with %s", (_, alter) => {
    expect(verifyHmacToken(alter(mintHmacToken({ secret, ...identity })), { secret })).toEqual(refused);
  });

  it("cannot pass off one half of a surrogate pair as another", () => {
    const token = mintHmacToken({ secret, workspaceId: "\ufffd", threadId: "thr" });
    expect(verifyHmacToken(token.replace("\ufffd", "\ud800"), { secret })).toEqual(refused);
  });
});

describe("mintHmacToken", () => {
  it.each([
    ["an empty workspace", { workspaceId: "" }],
    ["an empty thread", { threadId: "" }],
    ["a dot in an id", { workspaceId: "ws.a" }],
    ["a NUL in an id", { threadId: "thr\0" }],
    ["half a surrogate pair in an id", { threadId: "\udc00" }],
    ["an id that is no string", { threadId: 42 }],
    ["a token longer than it would verify", { threadId: "a".repeat(5000) }],
    ["an empty secret", { secret: "" }],
    ["no secret", { secret: undefined }],
    ["an option that does not exist", { workspace: "ws_alpha" }],
  ])("refuses %s", (_, change) => {
    const options = { secret, ...identity, ...change } as Parameters<typeof mintHmacToken>[0];
    const attempt = () => mintHmacToken(options);
    expect(attempt).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(attempt).not.toThrow(secret);
  });
});

describe("verifyHmacToken", () => {
  const token = mintHmacToken({ secret, ...identity });

  it("accepts a token of any of several secrets", () => {
    expect(verifyHmacToken(token, { secret: ["new", secret] })).toEqual({ ok: true, ...identity });
    expect(verifyHmacToken(token, { secret: ["new", "newer"] })).toEqual(refused);
  });

  it("refuses everything while no secret is set, even a signature with an empty secret", () => {
    for (const nothing of ["", [], [""], undefined]) {
      const options = { secret: nothing } as VerifyHmacTokenOptions;
      expect(verifyHmacToken(token, options)).toEqual(refused);
      expect(verifyHmacToken(signedBy(""), options)).toEqual(refused);
    }
  });

  it("accepts a token of a secret beside one that is not set", () => {
    const options = { secret: [undefined, secret] } as unknown as VerifyHmacTokenOptions;
    expect(verifyHmacToken(token, options)).toEqual({ ok: true, ...identity });
  });

  it("accepts 4096 characters and no more", () => {
    const threadId = "a".repeat(4096 - token.length + identity.threadId.length);
    const longest = mintHmacToken({ secret, ...identity, threadId });
    expect(longest).toHaveLength(4096);
    expect(verifyHmacToken(longest, { secret })).toEqual({ ok: true, ...identity, threadId });
    expect(verifyHmacToken(signedBy(secret, `${threadId}a`), { secret })).toEqual(refused);
  });

  it("never throws, whatever the candidate and the options are", () => {
    for (const value of hostileValues) {
      expect(verifyHmacToken(value, { secret })).toEqual(refused);
      expect(verifyHmacToken(token, value as VerifyHmacTokenOptions)).toEqual(refused);
      expect(verifyHmacToken(token, { secret: value as string })).toEqual(refused);
    }
    fc.assert(
      fc.property(anyArguments, ([candidate, options]) => {
        expect(verifyHmacToken(candidate, options as VerifyHmacTokenOptions)).toEqual(refused);
      }),
    );
  });
});
