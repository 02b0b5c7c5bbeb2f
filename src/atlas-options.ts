/** What a client is configured with, parsed strictly. */
import * as z from "zod/mini";
import { type Clock, systemClock } from "./clock.ts";
import { NAMESPACE, PROVIDER_NAME } from "./internal/names.ts";
import { baseUrlField, callable, clockField, fetchField, hasMethods } from "./internal/option-fields.ts";
import { describe, field, invalid, optional, parseFields } from "./internal/parse.ts";
import type { Context, Logger, Timing } from "./lifecycle/context.ts";
import type { Provider } from "./provider.ts";
import type { ComputeEvent, Limits, Store } from "./store.ts";
import { memoryStore } from "./stores/memory/index.ts";

/** Options of `createAtlas`. */
export interface AtlasOptions {
  /** In order of preference. Without any, nothing can be spawned. */
  readonly providers: readonly Provider[];
  /** Where computes are recorded. The default forgets them with the process: use a durable store outside development. @default memoryStore() */
  readonly store?: Store | undefined;
  /** Keeps applications that share provider accounts apart: `/^[a-z][a-z0-9]{0,19}$/`. @default "default" */
  readonly namespace?: string | undefined;
  /** What may be live at once, checked in the step that records a compute. @default no limit */
  readonly limits?: Limits | undefined;
  /** 32 bytes of secret or more; with it URLs can be signed at any time, not only by the handle that spawned. */
  readonly signingKey?: string | undefined;
  /** How long things may take, in seconds. */
  readonly timing?: Partial<Timing> | undefined;
  /** Where pods reach this application's control plane; they are then given a credential of their own for it. */
  readonly controlUrl?: string | undefined;
  /** Called after every recorded event. What it throws is logged. */
  readonly onEvent?: ((event: Omit<ComputeEvent, "id">) => void) | undefined;
  /** Where log lines go; `console` is one. @default nowhere */
  readonly logger?: Logger | undefined;
  /** @default globalThis.fetch */
  readonly fetch?: typeof fetch | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

const seconds = optional(
  field(z.number().check(z.positive(), z.maximum(86_400)), "seconds, more than 0 and up to 86400"),
);
const count = optional(field(z.int().check(z.minimum(0)), "a whole number from 0"));
const dollars = optional(field(z.number().check(z.minimum(0)), "US dollars per hour from 0"));
const anyObject = z.record(z.string(), z.unknown());

const FIELDS = {
  providers: field(
    z.array(z.custom<Provider>(hasMethods("candidates", "create", "get", "list", "terminate"))),
    "an array of providers, such as [runpod()]",
  ),
  store: optional(
    field(z.custom<Store>(hasMethods("insert", "replace", "claimDue")), "a store, such as sqliteStore(path)"),
  ),
  namespace: optional(
    field(z.string().check(z.regex(NAMESPACE)), "1 to 20 characters of a-z and 0-9 that begin with a letter"),
  ),
  limits: optional(field(anyObject, "an object of limits")),
  signingKey: optional(
    field(z.string().check(z.refine((key) => Buffer.byteLength(key) >= 32)), "a string of 32 bytes or more", {
      secret: true,
    }),
  ),
  timing: optional(field(anyObject, "an object of times in seconds")),
  controlUrl: baseUrlField,
  onEvent: optional(field(callable<NonNullable<AtlasOptions["onEvent"]>>(), "a function")),
  logger: optional(
    field(
      z.custom<Logger>(hasMethods("debug", "info", "warn", "error")),
      "an object with debug, info, warn and error",
    ),
  ),
  fetch: fetchField,
  clock: clockField,
};

const LIMIT_FIELDS = {
  computesPerUser: count,
  computes: count,
  costPerHourPerUser: dollars,
  costPerHour: dollars,
};

const TIMING_FIELDS = {
  requestTimeoutSeconds: seconds,
  createTimeoutSeconds: seconds,
  lookupSeconds: seconds,
  pendingGraceSeconds: seconds,
  leaseSeconds: seconds,
};

const TIMING: Timing = {
  requestTimeoutSeconds: 30,
  createTimeoutSeconds: 60,
  lookupSeconds: 60,
  pendingGraceSeconds: 600,
  leaseSeconds: 60,
};

const silent = (): void => undefined;
const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** The context that these options describe. @throws VALIDATION */
export function toContext(input: AtlasOptions): Context {
  const options = parseFields("The options of createAtlas", FIELDS, input);
  const { providers, namespace = "default", clock = systemClock } = options;
  refuseNames(providers);
  return {
    providers,
    namespace,
    tenantId: null,
    clock,
    store: options.store ?? memoryStore({ clock }),
    limits: parseFields("limits of createAtlas", LIMIT_FIELDS, options.limits ?? {}),
    timing: { ...TIMING, ...parseFields("timing of createAtlas", TIMING_FIELDS, options.timing ?? {}) },
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    logger: options.logger ?? silentLogger,
    signingKey: options.signingKey,
    controlUrl: options.controlUrl?.replace(/\/+$/, ""),
    onEvent: options.onEvent,
  };
}

function refuseNames(providers: readonly Provider[]): void {
  const names = providers.map(({ name }): unknown => name);
  const wrong = names.filter(
    (name, index) => typeof name !== "string" || !PROVIDER_NAME.test(name) || names.indexOf(name) !== index,
  );
  if (wrong.length === 0) return;
  throw invalid(
    "The options of createAtlas",
    wrong.map((name) => ({
      field: "providers",
      received: `the name ${describe(name)}`,
      allowed: "each name once, a-z, 0-9 and dashes",
    })),
  );
}
