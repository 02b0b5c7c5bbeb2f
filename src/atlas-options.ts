/** The options of a client, parsed strictly. */
import * as z from "zod/mini";
import { type Clock, systemClock } from "./clock.ts";
import { deploymentField, deploymentFrom, UNNAMED_DEPLOYMENT } from "./deployment-name.ts";
import { NAMESPACE, PROVIDER_NAME } from "./internal/names.ts";
import {
  baseUrlField,
  callable,
  clockField,
  fetchField,
  hasMethods,
  loggerField,
} from "./internal/option-fields.ts";
import { describe, field, invalid, optional, parseFields } from "./internal/parse.ts";
import type { Context, Logger, Retention, Timing } from "./lifecycle/context.ts";
import { parseWebhooks } from "./lifecycle/webhooks/option-fields.ts";
import type { WebhookEndpoint } from "./lifecycle/webhooks/options.ts";
import type { Provider } from "./provider.ts";
import type { ComputeEvent, Limits, Store } from "./store.ts";
import { memoryStore } from "./stores/memory/index.ts";

/** Options of `createAtlas`. */
export interface AtlasOptions {
  /** The providers, in order of preference. A client without any can read and list computes, and spawns none. */
  readonly providers: readonly Provider[];
  /** The store that records computes. The default loses them with the process: use a durable store outside development. @default memoryStore() */
  readonly store?: Store | undefined;
  /** Separates applications that share provider accounts: `/^[a-z][a-z0-9]{0,19}$/`. @default "default" */
  readonly namespace?: string | undefined;
  /**
   * The deployment of this process: `"production"`, `"staging"`, up to 100 characters. A store belongs to the deployment that first spawned with it; a
   * process of another one reads it, and changes nothing, so that a copied database ends no pod of the original.
   * @default `ATLAS_DEPLOYMENT`, else Vercel's environment (a preview's with its branch), else "default" with a warning
   */
  readonly deployment?: string | undefined;
  /** Limits of the live computes, checked in the step that records a compute. @default no limit */
  readonly limits?: Limits | undefined;
  /**
   * A secret of 32 bytes or more. With it any handle can sign URLs at any time; without it only the handle that spawned can. In a list, the first
   * one is for new computes, and the others are for computes that were spawned under them.
   */
  readonly signingKey?: string | readonly string[] | undefined;
  /** The time for which ended computes, and the number of events, stay recorded. The reaper deletes the rest, a bounded part in each pass. */
  readonly retention?: Partial<Retention> | undefined;
  /** Time limits, in seconds. */
  readonly timing?: Partial<Timing> | undefined;
  /** The URL of this application's control plane, as pods reach it. Each pod then gets a credential of its own for it. */
  readonly controlUrl?: string | undefined;
  /**
   * Endpoints that are told of events by signed messages (Standard Webhooks), at least once and in order: right after an event, and by the reaper where
   * that failed. Up to 20. @default none
   */
  readonly webhooks?: readonly WebhookEndpoint[] | undefined;
  /** Called after every recorded event. Its errors are logged. */
  readonly onEvent?: ((event: Omit<ComputeEvent, "id">) => void) | undefined;
  /** Receives log lines; `console` fits. @default a logger that drops them */
  readonly logger?: Logger | undefined;
  /** Sends every request. @default globalThis.fetch */
  readonly fetch?: typeof fetch | undefined;
  /** Tells the time. @default systemClock */
  readonly clock?: Clock | undefined;
}

const seconds = optional(
  field(z.number().check(z.positive(), z.maximum(86_400)), "seconds, more than 0 and up to 86400"),
);
const count = optional(field(z.int().check(z.minimum(0)), "a whole number from 0"));
const dollars = optional(field(z.number().check(z.minimum(0)), "US dollars per hour from 0"));
const dollarsAMonth = optional(field(z.number().check(z.minimum(0)), "US dollars per month from 0"));
const anyObject = z.record(z.string(), z.unknown());

const signingKey = z.string().check(z.refine((key) => Buffer.byteLength(key) >= 32));

const FIELDS = {
  providers: field(
    z.array(z.custom<Provider>(hasMethods("candidates", "create", "get", "list", "terminate"))),
    "an array of providers, such as [runpod()]",
  ),
  store: optional(
    field(
      z.custom<Store>(hasMethods("insert", "replace", "claimDue", "forDeployment")),
      "a store, such as sqliteStore(path)",
    ),
  ),
  namespace: optional(
    field(z.string().check(z.regex(NAMESPACE)), "1 to 20 characters of a-z and 0-9 that begin with a letter"),
  ),
  deployment: deploymentField,
  limits: optional(field(anyObject, "an object of limits")),
  signingKey: optional(
    field(
      z.union([signingKey, z.array(signingKey).check(z.minLength(1))]),
      "a string of 32 bytes or more, or a list of such strings",
      { secret: true },
    ),
  ),
  retention: optional(field(anyObject, "an object of retention")),
  timing: optional(field(anyObject, "an object of times in seconds")),
  controlUrl: baseUrlField,
  webhooks: optional(
    field(z.array(anyObject).check(z.maxLength(20)), "a list of up to 20 objects { url, secret, events? }", {
      secret: true,
    }),
  ),
  onEvent: optional(field(callable<NonNullable<AtlasOptions["onEvent"]>>(), "a function")),
  logger: loggerField<Logger>(),
  fetch: fetchField,
  clock: clockField,
};

const LIMIT_FIELDS = {
  computesPerUser: count,
  computes: count,
  costPerHourPerUser: dollars,
  costPerHour: dollars,
  costPerMonthPerUser: dollarsAMonth,
  costPerMonth: dollarsAMonth,
};

const TIMING_FIELDS = {
  requestTimeoutSeconds: seconds,
  createTimeoutSeconds: seconds,
  lookupSeconds: seconds,
  pendingGraceSeconds: seconds,
  leaseSeconds: seconds,
};

const RETENTION_FIELDS = {
  endedSeconds: optional(
    field(
      z.int().check(z.minimum(86_400), z.maximum(315_360_000)),
      "a whole number of seconds from 86400 to 315360000",
    ),
  ),
  eventsPerCompute: optional(
    field(z.int().check(z.minimum(100), z.maximum(1_000_000)), "a whole number from 100 to 1000000"),
  ),
};

const RETENTION: Retention = { endedSeconds: 30 * 86_400, eventsPerCompute: 1000 };

const TIMING: Timing = {
  requestTimeoutSeconds: 30,
  createTimeoutSeconds: 60,
  lookupSeconds: 60,
  pendingGraceSeconds: 600,
  leaseSeconds: 60,
};

const silent = (): void => undefined;
const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** Makes the context that these options describe. @throws VALIDATION */
export function toContext(input: AtlasOptions): Context {
  const options = parseFields("The options of createAtlas", FIELDS, input);
  const { providers, namespace = "default", clock = systemClock } = options;
  refuseNames(providers);
  const logger = options.logger ?? silentLogger;
  const store = options.store ?? memoryStore({ clock });
  const deployment = options.deployment ?? deploymentFrom(process.env);
  if (deployment === undefined && store.migrate !== undefined) logger.warn(UNNAMED_DEPLOYMENT);
  return {
    providers,
    namespace,
    tenantId: null,
    clock,
    store: store.forDeployment(deployment ?? "default"),
    limits: parseFields("limits of createAtlas", LIMIT_FIELDS, options.limits ?? {}),
    retention: {
      ...RETENTION,
      ...parseFields("retention of createAtlas", RETENTION_FIELDS, options.retention ?? {}),
    },
    timing: { ...TIMING, ...parseFields("timing of createAtlas", TIMING_FIELDS, options.timing ?? {}) },
    fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
    logger,
    signingKeys: [options.signingKey ?? []].flat(),
    controlUrl: options.controlUrl?.replace(/\/+$/, ""),
    webhooks: parseWebhooks(input.webhooks ?? []),
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
