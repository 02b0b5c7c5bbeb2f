import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { flySubject, flyTraits, flyTraitsInShort, warmUp } from "./fly-subject.ts";

beforeAll(warmUp);

providerLaws({ describe, it }, "fly()", flyTraits, () => flySubject({}, { pageSize: 4 }));

providerLaws({ describe, it }, "fly() with one shared app", flyTraitsInShort, () =>
  flySubject({ app: "computes" }),
);

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
