/**
 * A provider in memory for the tests of an application. A test sees every call and every instance, and can script every failure of
 * a real provider.
 * @module
 */
import type { Provider } from "../../provider.ts";
import { findCandidates, listGpuTypes } from "./candidates.ts";
import { type Cloud, call } from "./cloud.ts";
import { controlsOf } from "./controls.ts";
import { toMockInstance } from "./convert.ts";
import { createInstance } from "./create.ts";
import { Script } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { Gateway } from "./gateway.ts";
import {
  findInstances,
  getInstance,
  listInstances,
  startInstance,
  stopInstance,
  terminateInstance,
} from "./instances.ts";
import { readLogs } from "./logs.ts";
import { type MockOptions, parseMockOptions, parsePlacementOptions } from "./options.ts";
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
 * Makes a provider that keeps its instances in memory. They run no program; `respond()` answers for their servers through the mock's
 * own `fetch`.
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
    ...methodsOf(cloud),
    ...controlsOf(cloud),
    calls: cloud.calls,
    get instances() {
      return fleet.all().map(toMockInstance);
    },
  };
}

function methodsOf(
  cloud: Cloud,
): Required<Omit<Provider, "jobs" | "createTimeoutSeconds" | "createGraceSeconds" | "budget" | "edge">> {
  const { settings, fleet } = cloud;
  return {
    name: settings.name,
    bootTimeoutSeconds: settings.bootTimeoutSeconds,
    absenceGraceSeconds: settings.listLagSeconds,
    lookSeconds: 0.1,
    parseOptions: (options) => parsePlacementOptions(settings.name, options),
    candidates: (request, context) =>
      call(cloud, { operation: "candidates" }, context, () => findCandidates(settings, request)),
    create: (request, context) => createInstance(cloud, request, context),
    get: (reference, context) => getInstance(cloud, reference, context),
    list: ({ namePrefix }, context) => listInstances(cloud, namePrefix, context),
    find: (name, context) => findInstances(cloud, name, context),
    terminate: (reference, context) => terminateInstance(cloud, reference, context),
    stop: (reference, context) => stopInstance(cloud, reference, context),
    start: (reference, context) => startInstance(cloud, reference, context),
    logs: (reference, options, context) => readLogs(cloud, reference, options, context),
    account: (context) => call(cloud, { operation: "account" }, context, () => fleet.account),
    listGpuTypes: (context) =>
      call(cloud, { operation: "listGpuTypes" }, context, () => listGpuTypes(settings)),
    close: async () => undefined,
  };
}
