import { describe, expect, it } from "vitest";
import { type ProviderTraits, providerLaws } from "../../src/laws/provider-laws.ts";
import { mockSubject, mockTraits } from "../providers/mock-subject.ts";
import { type Breakage, breakagesOf, createsTwice, deniesCreation, PAGE_SIZE } from "./breakages.ts";

/** The laws as a runner would see them. */
function collect(traits: ProviderTraits, change?: Breakage): ReadonlyMap<string, () => Promise<void>> {
  const laws = new Map<string, () => Promise<void>>();
  const runner = {
    describe: (_: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => laws.set(name, body),
  };
  providerLaws(runner, "broken", traits, () => mockSubject({ pageSize: PAGE_SIZE }, change));
  return laws;
}

describe("the law suite of providers", () => {
  const every = [...collect(mockTraits).keys()];

  it.each(every)("fails a provider that breaks it: %s", async (law) => {
    const breakages = breakagesOf(law);
    expect(breakages.length).toBeGreaterThan(0);
    for (const breakage of breakages)
      await expect(collect(mockTraits, breakage).get(law)?.(), breakage.toString()).rejects.toThrow();
  });

  it("fails a provider that creates a second instance where names are unique", async () => {
    const laws = collect({ ...mockTraits, duplicateNames: false }, createsTwice);
    await expect(
      laws.get("a create under a name that exists adopts the instance there")?.(),
    ).rejects.toThrow();
  });

  it.each(every.filter((law) => /^a create that meets [a-z]+-after/.test(law)))(
    "fails a provider that denies an instance that it may have created: %s",
    async (law) => {
      await expect(collect(mockTraits, deniesCreation).get(law)?.()).rejects.toThrow();
    },
  );
});
