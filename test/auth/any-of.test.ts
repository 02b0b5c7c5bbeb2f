import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type Authenticator,
  anyOf,
  createHmacAuthenticator,
  type HmacAuthenticatorOptions,
  mintHmacToken,
} from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { anyValue, hostileValues } from "./arbitraries.ts";
import { unauthorized, unavailable } from "./scripted.ts";

const accepting = (identity: string): Authenticator<string> => ({ verify: async () => identity });
const throwing = (error: unknown): Authenticator<string> => ({
  verify: async () => {
    throw error;
  },
});
const rejecting = throwing(new AtlasError("UNAUTHORIZED", "no"));
const nonsensical = throwing(new AtlasError("UNAVAILABLE", "what?", { details: { problem: "nonsense" } }));
const broken = throwing(new TypeError("cannot read properties of undefined"));

describe("anyOf", () => {
  it("answers as the first one that knows, and asks none after it", async () => {
    const last = vi.fn(async () => "last");
    const { verify } = anyOf(rejecting, broken, accepting("ann"), { verify: last });
    expect(await verify("token")).toBe("ann");
    expect(last).not.toHaveBeenCalled();
  });

  it("rejects when all reject", async () => {
    await expect(anyOf(rejecting, rejecting).verify("token")).rejects.toEqual(unauthorized);
  });

  it("cannot say while one cannot, wherever it stands", async () => {
    for (const one of [nonsensical, broken]) {
      const problem = one === broken ? "outage" : "nonsense";
      await expect(anyOf(one, rejecting).verify("token")).rejects.toEqual(unavailable(problem));
      await expect(anyOf(rejecting, one).verify("token")).rejects.toEqual(unavailable(problem));
    }
  });

  it.each([
    [new TypeError("the password is hunter2"), "an authenticator failed with TypeError"],
    [new AtlasError("STORE_UNAVAILABLE", "hunter2"), "an authenticator failed with STORE_UNAVAILABLE"],
    ["hunter2", "an authenticator failed with a value that is not an error"],
  ])("names the kind of another error, and repeats nothing of it: %o", async (thrown, words) => {
    const error: AtlasError = await anyOf(throwing(thrown))
      .verify("token")
      .catch((caught) => caught);
    expect(error).toEqual(unavailable("outage"));
    expect(error.message).toBe(`The credential could not be checked: ${words}. Try again.`);
    expect(error.retryable).toBe(true);
  });

  it("is again an authenticator that anyOf takes", async () => {
    expect(await anyOf(anyOf(rejecting), anyOf(broken, accepting("bob"))).verify("token")).toBe("bob");
  });

  it("refuses to be made of nothing, or of something else", () => {
    expect(() => anyOf()).toThrow(expect.objectContaining({ code: "VALIDATION" }));
    expect(() => anyOf()).toThrow("The arguments of anyOf are not valid. authenticators: got nothing");
    const none: unknown = {};
    expect(() => anyOf(rejecting, none as Authenticator<string>)).toThrow(
      expect.objectContaining({
        code: "VALIDATION",
        message: expect.stringMatching(
          /authenticators\[1\]: got .+; allowed: an authenticator: an object with verify\(\)/,
        ),
      }),
    );
  });
});

describe("an HMAC authenticator", () => {
  const secret = ["new secret", "old secret"];
  const identity = { workspaceId: "ws_a", threadId: "thr_1" };

  it("names workspace and thread of a token made with any of its secrets, and nothing else", async () => {
    const { verify } = createHmacAuthenticator({ secret });
    for (const one of secret)
      expect(await verify(mintHmacToken({ secret: one, ...identity }))).toEqual(identity);
    await expect(verify(mintHmacToken({ secret: "another", ...identity }))).rejects.toEqual(unauthorized);
  });

  it("rejects a candidate of any type, and throws nothing else", async () => {
    const { verify } = createHmacAuthenticator({ secret: "a secret" });
    for (const value of hostileValues) await expect(verify(value)).rejects.toEqual(unauthorized);
    const property = fc.asyncProperty(anyValue, async (candidate) => {
      await expect(verify(candidate)).rejects.toEqual(unauthorized);
    });
    await fc.assert(property);
  });

  it.each<[string, object]>([
    ["no secret", {}],
    ["an empty one", { secret: "" }],
    ["an empty list", { secret: [] }],
    ["an empty one among others", { secret: ["a secret", ""] }],
    ["an unknown option", { secret: "a secret", secrets: [] }],
  ])("is not made with %s", (_, options) => {
    expect(() => createHmacAuthenticator(options as HmacAuthenticatorOptions)).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });
});
