/** The state by which a guard decides. */
import { allowOrigins } from "../../../src/guard/verdict/cors.ts";
import type { GuardState } from "../../../src/guard/verdict/state.ts";

/** The state of a guard without a control plane that knows every scheme and accepts no credential, with what a test changes. */
export function guardState(change: Partial<GuardState>): GuardState {
  return {
    hashes: [],
    signingSecrets: [],
    schemes: new Set(["bearer", "signed-url", "cookie"]),
    signedMethods: new Set(["GET", "HEAD"]),
    standing: "alone",
    origins: allowOrigins([]),
    publicPaths: [],
    computeId: "c1",
    isReady: () => true,
    now: 0,
    ...change,
  };
}
