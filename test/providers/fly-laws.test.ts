import { afterAll, describe, expect, it } from "vitest";
import { flyContract } from "../fakes/fly-contract.ts";
import { providerLaws } from "../laws/provider-laws.ts";
import { flySubject, flyTraits } from "./fly-subject.ts";

providerLaws({ describe, it }, "fly()", flyTraits, () => flySubject({}, { pageSize: 4 }));

providerLaws({ describe, it }, "fly() with one shared app", flyTraits, () => flySubject({ app: "computes" }));

afterAll(() => {
  expect(flyContract?.violations ?? []).toEqual([]);
});
