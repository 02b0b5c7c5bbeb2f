import fc from "fast-check";
import { expect, it } from "vitest";
import { createHashAuthenticator, hashToken } from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";

const TTL_SECONDS = 60;
const MAX_STALE_SECONDS = 180;
const NEGATIVE_TTL_SECONDS = 10;

/** The allowed answers at a time, as a reader of the documentation would work them out. */
class Truth {
  readonly history: { readonly from: number; readonly identity: string | null }[] = [];

  set(now: number, identity: string | null): void {
    this.history.push({ from: now, identity });
  }

  /** Every value that was true within that many seconds. */
  within(now: number, seconds: number): Set<string | null> {
    const since = now - seconds * 1000;
    const begun = this.history.findLastIndex(({ from }) => from <= since);
    return new Set(this.history.slice(Math.max(begun, 0)).map(({ identity }) => identity));
  }
}

type Step =
  | { readonly kind: "verify" }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "change"; readonly identity: string | null }
  | { readonly kind: "outage"; readonly isDown: boolean }
  | { readonly kind: "revoke" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "verify" }) },
  fc.record({
    kind: fc.constant("wait" as const),
    seconds: fc.constantFrom(1, 9, 10, 59, 60, 119, 120, 300),
  }),
  fc.record({ kind: fc.constant("change" as const), identity: fc.constantFrom(null, "ann", "bob") }),
  fc.record({ kind: fc.constant("outage" as const), isDown: fc.boolean() }),
  fc.constant<Step>({ kind: "revoke" }),
);

it("whatever happens in whatever order, an answer is never older than it may be, and a revoked credential never accepted", async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const clock = manualClock();
    const truth = new Truth();
    truth.set(0, "ann");
    let isDown = false;
    let revokedAt = Number.NEGATIVE_INFINITY;
    const authenticator = createHashAuthenticator({
      lookup: async () => {
        if (isDown) throw new AtlasError("STORE_UNAVAILABLE", "down");
        return truth.history.at(-1)?.identity;
      },
      ttlSeconds: TTL_SECONDS,
      maxStaleSeconds: MAX_STALE_SECONDS,
      negativeTtlSeconds: NEGATIVE_TTL_SECONDS,
      clock,
    });
    for (const one of steps) {
      const now = clock.now().getTime();
      if (one.kind === "wait") await clock.advance(one.seconds);
      if (one.kind === "change") truth.set(now, one.identity);
      if (one.kind === "outage") isDown = one.isDown;
      if (one.kind === "revoke") {
        authenticator.revoke(hashToken("token"));
        revokedAt = now;
      }
      if (one.kind !== "verify") continue;
      const outcome = await authenticator.verify("token").catch((error: AtlasError) => error.code);
      const isRevoked = now - revokedAt < MAX_STALE_SECONDS * 1000;
      if (isRevoked) expect(outcome).toBe("UNAUTHORIZED");
      else if (outcome === "UNAUTHORIZED") expect(truth.within(now, NEGATIVE_TTL_SECONDS)).toContain(null);
      else if (outcome === "UNAVAILABLE") expect(isDown).toBe(true);
      else expect(truth.within(now, MAX_STALE_SECONDS)).toContain(outcome);
    }
  });
  await fc.assert(property, { numRuns: 200 });
});
