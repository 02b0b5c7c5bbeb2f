/** What the tests of authenticators are built from. */
import { expect } from "vitest";
import { AtlasError } from "../../src/errors.ts";

export const unauthorized: object = expect.objectContaining({ code: "UNAUTHORIZED" });

/** The error of a credential that could not be checked. */
export function unavailable(problem: "outage" | "nonsense"): object {
  return expect.objectContaining({ code: "UNAVAILABLE", details: { problem } });
}

/** A source of identities whose answers a test gives one by one. */
export interface ScriptedLookup {
  /** The hashes that were asked for, in order. */
  readonly asked: readonly string[];
  readonly lookup: (hash: string) => Promise<string | null>;
  /** Answers the oldest question that is open. */
  answer(identity: string | null): void;
  /** Fails the oldest question that is open. */
  fail(): void;
}

export function scriptedLookup(): ScriptedLookup {
  const asked: string[] = [];
  const open: PromiseWithResolvers<string | null>[] = [];
  return {
    asked,
    lookup: (hash) => {
      asked.push(hash);
      const question = Promise.withResolvers<string | null>();
      open.push(question);
      return question.promise;
    },
    answer: (identity) => open.shift()?.resolve(identity),
    fail: () => open.shift()?.reject(new AtlasError("STORE_UNAVAILABLE", "The database is gone")),
  };
}

/** Lets everything that is ready to happen happen. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
