/**
 * A provider in memory, to test an application with: what it was asked and given is visible to the test, and
 * everything that goes wrong at a real provider can be scripted.
 * @module
 */
import type { Cloud } from "./cloud.ts";
import { controlsOf } from "./controls.ts";
import { toMockInstance } from "./convert.ts";
import { Script } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { Gateway } from "./gateway.ts";
import { operationsOf } from "./operations.ts";
import { type MockOptions, parseMockOptions } from "./options.ts";
import type { MockPlacementOptions, MockProvider } from "./types.ts";

export type { MockCall, MockOperation } from "./call.ts";
export type { MockFault, MockFaultName, ScriptedFault } from "./faults.ts";
export { type ManualClock, manualClock } from "./manual-clock.ts";
export type { MockOptions } from "./options.ts";
export type {
  MockGpu,
  MockInstance,
  MockPlacementOptions,
  MockProvider,
  MockResponder,
  MockStranger,
} from "./types.ts";

declare module "../../request.ts" {
  interface ProviderOptions {
    readonly mock?: MockPlacementOptions | undefined;
  }
}

/**
 * Makes a provider that keeps its instances in memory. Nothing runs in them; `respond()` answers for their servers, through
 * the mock's own `fetch`.
 *
 * @throws VALIDATION for an option that does not exist or is not valid.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 *
 * const provider = mock();
 * provider.script("create", "capacity");
 * const atlas = createAtlas({ providers: [provider], fetch: provider.fetch });
 * const compute = await atlas.spawnCompute({ gpu: ["h100-sxm", "h200-sxm"], ports: [8000] });
 * console.log(compute.gpu, provider.instances[0]?.env); // h200-sxm, because the first create found no capacity
 * ```
 */
export function mock(options: MockOptions = {}): MockProvider {
  const settings = parseMockOptions(options);
  const fleet = new Fleet(settings);
  const cloud: Cloud = { settings, fleet, script: new Script(), gateway: new Gateway(fleet), calls: [] };
  return {
    ...operationsOf(cloud),
    ...controlsOf(cloud),
    calls: cloud.calls,
    get instances() {
      return fleet.all().map(toMockInstance);
    },
  };
}
