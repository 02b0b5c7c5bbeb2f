/**
 * The laws of a provider, to run on a provider of this package or on your own.
 *
 * @example
 * ```ts
 * import { describe, it } from "node:test";
 * import { providerLaws, type ProviderUnderTest } from "atlas-compute/laws";
 *
 * type Faults = Parameters<NonNullable<ProviderUnderTest["fault"]>>;
 * declare function startMyFake(): {
 *   url: string;
 *   instances: Awaited<ReturnType<ProviderUnderTest["instances"]>>;
 *   advance(seconds: number): Promise<void>;
 *   fault(...faults: Faults): void;
 *   close(): Promise<void>;
 * };
 *
 * const traits = { methods: ["find"], faults: { create: ["capacity", "timeout-after"] } } as const;
 * providerLaws({ describe, it }, "my provider", traits, async () => {
 *   const fake = startMyFake();
 *   return {
 *     provider: myProvider({ baseUrl: fake.url, apiKey: "key_1234567890" }),
 *     placement: { gpus: [], gpuCount: 1, ports: [{ internal: 8000, protocol: "http" }], regions: [], metadata: {}, options: undefined },
 *     instances: async () => fake.instances,
 *     settle: (promise) => promise,
 *     advance: (seconds) => fake.advance(seconds),
 *     fault: (operation, fault, times) => fake.fault(operation, fault, times),
 *     secrets: ["key_1234567890"],
 *     close: () => fake.close(),
 *   };
 * });
 * ```
 *
 * @module
 */
import { createLaws } from "./provider/create-laws.ts";
import { declarationLaws } from "./provider/declaration-laws.ts";
import { endLaws } from "./provider/end-laws.ts";
import { faultLaws } from "./provider/fault-laws.ts";
import { instanceLaws } from "./provider/instance-laws.ts";
import { logLaws } from "./provider/log-laws.ts";
import { powerLaws } from "./provider/power-laws.ts";
import { readLaws } from "./provider/read-laws.ts";
import { type Laws, Scene } from "./provider/scene.ts";
import type { ProviderTraits, ProviderUnderTest } from "./provider/subject.ts";
import type { Runner } from "./store/harness.ts";

export type {
  ExistingInstance,
  FaultyOperation,
  LawFault,
  OptionalMethod,
  ProviderTraits,
  ProviderUnderTest,
} from "./provider/subject.ts";

const parts: readonly Laws[] = [
  declarationLaws,
  createLaws,
  instanceLaws,
  readLaws,
  endLaws,
  powerLaws,
  logLaws,
  faultLaws,
];

/** Declares a test for every law of `Provider` in `runner`; `make` gives each of them a new provider on an empty world. */
export function providerLaws(
  runner: Runner,
  name: string,
  traits: ProviderTraits,
  make: () => Promise<ProviderUnderTest>,
): void {
  runner.describe(`the laws of a provider: ${name}`, () => {
    for (const laws of parts)
      laws((law, body) => {
        runner.it(law, async () => {
          const subject = await make();
          try {
            await body(new Scene(subject));
          } finally {
            await subject.close();
          }
        });
      }, traits);
  });
}
