import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type Authenticator,
  type CachedAuthenticator,
  createCachedAuthenticator,
  createHashAuthenticator,
  type HashAuthenticatorOptions,
  hashToken,
} from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/manual-clock.ts";
import { anyValue, hostileValues } from "./arbitraries.ts";
import { type ScriptedLookup, scriptedLookup, settled, unauthorized, unavailable } from "./scripted.ts";

interface Subject extends ScriptedLookup {
  readonly authenticator: CachedAuthenticator<string>;
  readonly clock: ManualClock;
  /** Verifies while the next question is answered with this identity. */
  verified(token: string, identity: string | null): Promise<string>;
}

function subject(options: Partial<HashAuthenticatorOptions<string>> = {}): Subject {
  const script = scriptedLookup();
  const clock = manualClock();
  const authenticator = createHashAuthenticator({ lookup: script.lookup, clock, ...options });
  const verified = async (token: string, identity: string | null): Promise<string> => {
    const verifying = authenticator.verify(token);
    script.answer(identity);
    return verifying;
  };
  return { ...script, authenticator, clock, verified };
}

/** `expect(…).rejects` without its price, for a hundred thousand of them. */
async function expectRejection(verifying: Promise<unknown>): Promise<void> {
  const accepted = await verifying.then(
    () => true,
    () => false,
  );
  if (accepted) throw new Error("this credential has no owner");
}

describe("a hash authenticator", () => {
  it("asks its lookup for the hash, never for the token", async () => {
    const { asked, verified } = subject();
    expect(await verified("token", "ann")).toBe("ann");
    expect(asked).toEqual([hashToken("token")]);
  });

  it("rejects a credential without an owner", async () => {
    const { verified } = subject();
    await expect(verified("token", null)).rejects.toEqual(unauthorized);
    await expect(createHashAuthenticator({ lookup: () => undefined }).verify("t")).rejects.toEqual(
      unauthorized,
    );
  });

  it("rejects a value that cannot be a token, without a question", async () => {
    const lookup = vi.fn();
    const authenticator = createHashAuthenticator({ lookup });
    for (const value of hostileValues) {
      if (typeof value === "string" && /^\p{ASCII}{1,4096}$/u.test(value)) continue;
      await expect(authenticator.verify(value)).rejects.toEqual(unauthorized);
    }
    expect(lookup).not.toHaveBeenCalled();
  });

  it("only ever throws one of the two codes, whatever the candidate and the lookup are", async () => {
    const outcome = fc.oneof(fc.constant(null), anyValue, fc.constant("throw"));
    const property = fc.asyncProperty(anyValue, outcome, async (candidate, result) => {
      const lookup = (): unknown => {
        if (result === "throw") throw candidate;
        return result;
      };
      const error = await createHashAuthenticator({ lookup })
        .verify(candidate)
        .then(() => undefined)
        .catch((thrown: AtlasError) => thrown);
      expect([undefined, "UNAUTHORIZED", "UNAVAILABLE"]).toContain(error?.code);
    });
    await fc.assert(property);
  });

  it("says an outage for a lookup that throws, even when it throws UNAUTHORIZED, and repeats nothing it said", async () => {
    const lookup = vi.fn(() => {
      throw new AtlasError("UNAUTHORIZED", "postgres://user:hunter2@db rejected us");
    });
    const verifying = createHashAuthenticator({ lookup }).verify("token");
    await expect(verifying).rejects.toEqual(unavailable("outage"));
    await expect(verifying).rejects.toThrow("the lookup failed with UNAUTHORIZED");
    await expect(verifying).rejects.not.toThrow("hunter2");
  });

  it("says an outage for a lookup that takes too long", async () => {
    const { authenticator, clock } = subject({ timeoutSeconds: 3 });
    const verifying = authenticator.verify("token");
    await expect(clock.settle(verifying, 3)).rejects.toEqual(unavailable("outage"));
    await expect(verifying).rejects.toThrow("the lookup took longer than 3 seconds");
    expect(clock.sleeping).toBe(0);
  });
});

describe("the cache", () => {
  it("answers for ttlSeconds without asking again", async () => {
    const { asked, authenticator, clock, verified } = subject({ ttlSeconds: 60 });
    await verified("token", "ann");
    await clock.advance(59.999);
    expect(await authenticator.verify("token")).toBe("ann");
    expect(asked.length).toBe(1);
  });

  it("answers with the old identity while it asks again, once for all requests", async () => {
    const { asked, authenticator, clock, verified, answer } = subject();
    await verified("token", "ann");
    await clock.advance(60);
    for (let caller = 0; caller < 5; caller += 1) expect(await authenticator.verify("token")).toBe("ann");
    expect(asked.length).toBe(2);
    answer("ann, renamed");
    await settled();
    expect(await authenticator.verify("token")).toBe("ann, renamed");
    expect(asked.length).toBe(2);
  });

  it("rejects as soon as asking again has shown that the credential is gone", async () => {
    const { authenticator, clock, verified, answer } = subject();
    await verified("token", "ann");
    await clock.advance(60);
    await authenticator.verify("token");
    answer(null);
    await settled();
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
  });

  it("does not go back to the old identity when the rejection is forgotten", async () => {
    const { authenticator, asked, clock, verified, answer } = subject({ negativeTtlSeconds: 10 });
    await verified("token", "ann");
    await clock.advance(60);
    await authenticator.verify("token");
    answer(null);
    await settled();
    await clock.advance(10);
    await expect(verified("token", null)).rejects.toEqual(unauthorized);
    expect(asked.length).toBe(3);
  });

  it("goes on through an outage, and never beyond maxStaleSeconds", async () => {
    const { authenticator, clock, verified, fail } = subject({ maxStaleSeconds: 180 });
    await verified("token", "ann");
    for (const seconds of [60, 60, 59.999]) {
      await clock.advance(seconds);
      expect(await authenticator.verify("token")).toBe("ann");
      fail();
      await settled();
    }
    await clock.advance(0.001);
    const verifying = authenticator.verify("token");
    fail();
    await expect(verifying).rejects.toEqual(unavailable("outage"));
  });

  it("never answers with an identity that is too old, not even once after hours of silence", async () => {
    const { authenticator, clock, verified, answer } = subject();
    await verified("token", "ann");
    await clock.advance(7200);
    const verifying = authenticator.verify("token");
    answer(null);
    await expect(verifying).rejects.toEqual(unauthorized);
  });

  it("counts the age of an answer from the question", async () => {
    const { asked, authenticator, clock, answer } = subject({ ttlSeconds: 5 });
    const verifying = authenticator.verify("token");
    await clock.advance(5);
    answer("ann");
    await verifying;
    await authenticator.verify("token");
    expect(asked.length).toBe(2);
  });

  it("takes everything it knows for too old when the clock was set back", async () => {
    let now = 1_000_000;
    const lookup = vi.fn(() => "ann");
    const clock = { now: () => new Date(now), sleep: () => new Promise<void>(() => undefined) };
    const authenticator = createHashAuthenticator({ lookup, clock });
    await authenticator.verify("token");
    now -= 1;
    await authenticator.verify("token");
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  it("asks once for a thousand callers at once, and tells all of them the same", async () => {
    const { asked, authenticator, answer } = subject();
    const verifying = Array.from({ length: 1000 }, () => authenticator.verify("token"));
    answer("ann");
    expect(new Set(await Promise.all(verifying))).toEqual(new Set(["ann"]));
    expect(asked.length).toBe(1);
  });

  it("asks again after an outage, for an outage is no answer", async () => {
    const { authenticator, fail, verified } = subject();
    const verifying = authenticator.verify("token");
    fail();
    await expect(verifying).rejects.toEqual(unavailable("outage"));
    expect(await verified("token", "ann")).toBe("ann");
  });

  it("remembers a rejection for negativeTtlSeconds", async () => {
    const { asked, authenticator, clock, verified } = subject({ negativeTtlSeconds: 10 });
    await expect(verified("token", null)).rejects.toEqual(unauthorized);
    await clock.advance(9.999);
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
    expect(asked.length).toBe(1);
    await clock.advance(0.001);
    expect(await verified("token", "ann")).toBe("ann");
  });

  it("does not grow by random tokens, and does not let them push out known tokens", {
    timeout: 60_000,
  }, async () => {
    const rejection = new AtlasError("UNAUTHORIZED", "no");
    let asked = 0;
    const verify = async (candidate: unknown): Promise<string> => {
      asked += 1;
      if (candidate === "token") return "ann";
      throw rejection;
    };
    const authenticator = createCachedAuthenticator({ verify }, { maxEntries: 10, maxNegativeEntries: 50 });
    await authenticator.verify("token");
    for (let index = 0; index < 10_000; index += 1)
      await expectRejection(authenticator.verify(`random-${index}`));
    expect(authenticator.size).toBe(51);
    expect(await authenticator.verify("token")).toBe("ann");
    expect(asked).toBe(10_001);
  });

  it("lets the identity that was used least recently make room", async () => {
    const { asked, verified, authenticator } = subject({ maxEntries: 2 });
    await verified("a", "ann");
    await verified("b", "bob");
    await authenticator.verify("a");
    await verified("c", "cat");
    expect(await authenticator.verify("a")).toBe("ann");
    expect(asked.length).toBe(3);
    expect(await verified("b", "bob again")).toBe("bob again");
  });

  it("counts the answers that it waits for", async () => {
    const { authenticator, verified, answer } = subject();
    await verified("known", "ann");
    const verifying = authenticator.verify("token");
    expect(authenticator.size).toBe(2);
    answer("bob");
    await verifying;
    expect(authenticator.size).toBe(2);
  });

  it("names the kind of an error that its authenticator may not throw", async () => {
    const verify = async (): Promise<string> => {
      throw new TypeError("hunter2");
    };
    await expect(createCachedAuthenticator({ verify }).verify("token")).rejects.toThrow(
      "The credential could not be checked: the authenticator failed with TypeError. Try again.",
    );
  });

  it("can be put before an authenticator only", () => {
    const none: unknown = { check: () => undefined };
    expect(() => createCachedAuthenticator(none as Authenticator<string>)).toThrow(
      /^The arguments of createCachedAuthenticator are not valid\. authenticator: got .+; allowed: an authenticator/,
    );
  });

  it("can be put before any authenticator", async () => {
    const verify = vi.fn(async (candidate: unknown) => ({ candidate }));
    const authenticator = createCachedAuthenticator({ verify }, { ttlSeconds: 5 });
    await authenticator.verify("token");
    expect(await authenticator.verify("token")).toEqual({ candidate: "token" });
    expect(verify).toHaveBeenCalledTimes(1);
  });
});

describe.each([
  ["the token", "token"],
  ["its hash", hashToken("token")],
])("a revocation by %s", (_, credential) => {
  it("beats a remembered answer", async () => {
    const { asked, authenticator, verified } = subject();
    await verified("token", "ann");
    authenticator.revoke(credential);
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
    expect(asked.length).toBe(1);
  });

  it("beats an answer that is on its way", async () => {
    const { authenticator, answer } = subject();
    const before = authenticator.verify("token");
    authenticator.revoke(credential);
    answer("ann");
    await expect(before).rejects.toEqual(unauthorized);
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
  });

  it("beats an old answer that is being asked for again", async () => {
    const { authenticator, clock, verified, answer } = subject();
    await verified("token", "ann");
    await clock.advance(60);
    await authenticator.verify("token");
    authenticator.revoke(credential);
    answer("ann");
    await settled();
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
  });

  it("holds for maxStaleSeconds, and then the lookup is asked again", async () => {
    const { authenticator, clock, verified } = subject();
    authenticator.revoke(credential);
    await clock.advance(179.999);
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
    await clock.advance(0.001);
    expect(await verified("token", "ann")).toBe("ann");
  });

  it("holds beside a later one", async () => {
    const { authenticator, clock } = subject();
    authenticator.revoke(credential);
    await clock.advance(1);
    authenticator.revoke("other");
    await expect(authenticator.verify("token")).rejects.toEqual(unauthorized);
    await expect(authenticator.verify("other")).rejects.toEqual(unauthorized);
  });

  it("leaves other credentials alone", async () => {
    const { authenticator, verified } = subject();
    await verified("other", "bob");
    authenticator.revoke(credential);
    expect(await authenticator.verify("other")).toBe("bob");
  });
});

describe("invalidate", () => {
  it("makes the next request ask, for one credential", async () => {
    const { asked, authenticator, verified } = subject();
    await verified("token", "ann");
    await verified("other", "bob");
    authenticator.invalidate("token");
    expect(await verified("token", "ann, renamed")).toBe("ann, renamed");
    expect(await authenticator.verify("other")).toBe("bob");
    expect(asked.length).toBe(3);
  });

  it("makes a request that waits for an earlier answer ask again, for all credentials", async () => {
    const { asked, authenticator, answer } = subject();
    const verifying = authenticator.verify("token");
    authenticator.invalidate();
    answer("ann");
    await settled();
    answer("ann, renamed");
    expect(await verifying).toBe("ann, renamed");
    expect(asked.length).toBe(2);
    expect(authenticator.size).toBe(1);
  });
});

describe("the options", () => {
  const lookup = (): null => null;
  it.each<[string, object]>([
    ["an unknown one", { lookup, ttl: 5 }],
    ["no lookup", {}],
    ["a negative time", { lookup, ttlSeconds: -1 }],
    ["a time that is no number", { lookup, ttlSeconds: "60" }],
    ["a ceiling below the time to live", { lookup, ttlSeconds: 60, maxStaleSeconds: 59 }],
    ["no room at all", { lookup, maxEntries: 0 }],
  ])("are refused with %s", (_, options) => {
    expect(() => createHashAuthenticator(options as HashAuthenticatorOptions<string>)).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });

  it("are named with the received and the allowed value", () => {
    const make = (options: object) => () =>
      createHashAuthenticator({ lookup, ...options } as HashAuthenticatorOptions<string>);
    expect(make({ ttlSeconds: -1 })).toThrow(
      "The options of createHashAuthenticator are not valid. ttlSeconds: got -1; allowed: a number of seconds from 0",
    );
    expect(make({ ttlSeconds: 60, maxStaleSeconds: 59 })).toThrow(
      "maxStaleSeconds: got 59; allowed: at least ttlSeconds (60)",
    );
  });

  it("may make the time to live longer than the usual ceiling", async () => {
    const { asked, authenticator, clock, verified } = subject({ ttlSeconds: 3600 });
    await verified("token", "ann");
    await clock.advance(3599);
    expect(await authenticator.verify("token")).toBe("ann");
    expect(asked.length).toBe(1);
  });
});
