import { afterAll, describe, expect, it } from "vitest";
import { flyContract } from "../fakes/fly-contract.ts";
import { providerLaws } from "../laws/provider-laws.ts";
import { flySubject, flyTraits } from "./fly-subject.ts";

providerLaws({ describe, it }, "fly() over real HTTP", flyTraits, () => flySubject({}, {}, "http"));

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
