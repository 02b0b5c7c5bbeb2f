import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { providerLaws } from "../../src/laws/provider-laws.ts";
import { flyContract } from "../fakes/fly-contract.ts";
import { flySubject, flyTraitsInShort, warmUp } from "./fly-subject.ts";

beforeAll(warmUp);

providerLaws({ describe, it }, "fly() over real HTTP", flyTraitsInShort, () => flySubject({}, {}, "http"));

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
