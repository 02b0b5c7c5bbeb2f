/** The options of `mock()`, and of one compute at a mock. */
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { gpuMemoryGb, gpuNames } from "../../gpus.ts";
import { defined } from "../../internal/defined.ts";
import { PROVIDER_NAME } from "../../internal/names.ts";
import { clockField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import type { GpuType } from "../../provider.ts";
import type { MockGpu, MockPlacementOptions } from "./types.ts";

/** The options of `mock()`. */
export interface MockOptions {
  /** The name in computes and in `providerOptions`. @default "mock" */
  readonly name?: string | undefined;
  /** The clock for times and pauses. @default systemClock */
  readonly clock?: Clock | undefined;
  /** The time that each call takes, in seconds; for `list`, each page. @default 0 */
  readonly latencySeconds?: number | undefined;
  /** Seconds from a create or start to `running`. With 0 the next read shows `running`. @default 0 */
  readonly bootSeconds?: number | undefined;
  /** The provider's `bootTimeoutSeconds`. @default 600 */
  readonly bootTimeoutSeconds?: number | undefined;
  /** Seconds that an instance is `terminating` before it is gone. @default 0 */
  readonly terminateSeconds?: number | undefined;
  /**
   * Seconds in which a new instance is absent from every answer, and absent for a terminate too. It is also the provider's
   * `absenceGraceSeconds`. @default 0
   */
  readonly listLagSeconds?: number | undefined;
  /** The number of instances per page of `list`. @default 100 */
  readonly pageSize?: number | undefined;
  /** @default ["mock-1", "mock-2"] */
  readonly regions?: readonly string[] | undefined;
  /** The GPU types that it offers. @default every canonical variant, in every region */
  readonly gpus?: readonly MockGpu[] | undefined;
  /** US dollars per hour for a GPU that has no price of its own. @default 1 */
  readonly costPerHour?: number | undefined;
  /** US dollars per hour for a CPU machine. @default 0.05 */
  readonly cpuCostPerHour?: number | undefined;
  /** True makes a create under an existing name adopt that instance, like a provider with unique names. @default false */
  readonly uniqueNames?: boolean | undefined;
}

/** A GPU type with its defaults filled in. */
export interface OfferedGpu {
  readonly id: string;
  readonly name?: string;
  readonly memoryGb?: number;
  readonly costPerHour: number;
  readonly stock: GpuType["stock"];
  readonly regions: readonly string[];
}

/** The options of a mock with their defaults filled in. */
export interface MockSettings
  extends Required<{ [Key in keyof Omit<MockOptions, "gpus">]: NonNullable<MockOptions[Key]> }> {
  readonly gpus: readonly OfferedGpu[];
}

const seconds = optional(field(z.number().check(z.nonnegative()), "seconds from 0"));
const price = optional(field(z.number().check(z.nonnegative()), "US dollars per hour from 0"));
const text = z.string().check(z.minLength(1));
const gpu = z.strictObject({
  id: text,
  name: z.optional(text),
  memoryGb: z.optional(z.number().check(z.positive())),
  costPerHour: z.optional(z.number().check(z.nonnegative())),
  stock: z.optional(z.enum(["high", "medium", "low", "none", "unknown"])),
  regions: z.optional(z.array(text).check(z.minLength(1))),
});

const FIELDS = {
  name: optional(
    field(z.string().check(z.regex(PROVIDER_NAME)), "1 to 32 of a-z, 0-9 and -, a letter first"),
  ),
  clock: clockField,
  latencySeconds: seconds,
  bootSeconds: seconds,
  bootTimeoutSeconds: seconds,
  terminateSeconds: seconds,
  listLagSeconds: seconds,
  pageSize: optional(field(z.int().check(z.positive()), "a whole number from 1")),
  regions: optional(field(z.array(text).check(z.minLength(1)), "one region name or more")),
  gpus: optional(field(z.array(gpu), "a list of { id, name, memoryGb, costPerHour, stock, regions }")),
  costPerHour: price,
  cpuCostPerHour: price,
  uniqueNames: optional(field(z.boolean(), "true or false")),
};

const DEFAULTS: Omit<MockSettings, "gpus"> = {
  name: "mock",
  clock: systemClock,
  latencySeconds: 0,
  bootSeconds: 0,
  bootTimeoutSeconds: 600,
  terminateSeconds: 0,
  listLagSeconds: 0,
  pageSize: 100,
  regions: ["mock-1", "mock-2"],
  costPerHour: 1,
  cpuCostPerHour: 0.05,
  uniqueNames: false,
};

/** Parses the options of `mock()` and fills in the defaults. */
export function parseMockOptions(options: MockOptions): MockSettings {
  const { gpus = canonicalGpus(), ...given } = parseFields("The options of mock()", FIELDS, options);
  const settings = { ...DEFAULTS, ...given };
  return { ...settings, gpus: gpus.map((offered) => toOffered(offered, settings)) };
}

const PLACEMENT_FIELDS = { tier: optional(field(text, "any word")) };

/** Parses `providerOptions.mock`. */
export function parsePlacementOptions(name: string, options: unknown): MockPlacementOptions {
  return parseFields(`providerOptions.${name}`, PLACEMENT_FIELDS, options);
}

function canonicalGpus(): readonly MockGpu[] {
  return gpuNames.filter((name) => gpuMemoryGb(name) !== undefined).map((id) => ({ id }));
}

function toOffered(offered: MockGpu, settings: Omit<MockSettings, "gpus">): OfferedGpu {
  const name = offered.name ?? (gpuMemoryGb(offered.id) === undefined ? undefined : offered.id);
  const memoryGb = offered.memoryGb ?? gpuMemoryGb(name ?? offered.id);
  return defined({
    id: offered.id,
    name,
    memoryGb,
    costPerHour: offered.costPerHour ?? settings.costPerHour,
    stock: offered.stock ?? "high",
    regions: offered.regions ?? settings.regions,
  });
}
