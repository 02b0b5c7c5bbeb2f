/** The options of `fly()`, and of one compute on Fly. */
import * as z from "zod/mini";
import { type Clock, systemClock } from "../../clock.ts";
import { baseUrlField, clockField, fetchField } from "../../internal/option-fields.ts";
import { type Field, field, optional, parseFields } from "../../internal/parse.ts";

/** The options of `fly()`. */
export interface FlyOptions {
  /** An API token, with or without `FlyV1 ` or `Bearer ` before it. @default process.env.FLY_API_TOKEN, read at each call */
  readonly apiKey?: string | undefined;
  /** Slug of the organization. Not needed with `app`. @default process.env.FLY_ORG, read at each call */
  readonly org?: string | undefined;
  /**
   * Name of an existing app, with addresses, that holds every compute as a machine. Without it, each compute gets its own app.
   * With it, a request reaches a machine only with the header that its ports name.
   */
  readonly app?: string | undefined;
  /** @default "https://api.machines.dev/v1" */
  readonly baseUrl?: string | undefined;
  /** The base URL of the API for logs, which Fly does not document. @default "https://api.fly.io/api/v1" */
  readonly logsBaseUrl?: string | undefined;
  /** @default the global fetch */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
}

/** A check that Fly runs on the machine; `flyctl` and Fly's metrics show its outcome. */
export interface FlyCheck {
  readonly type: "http" | "tcp";
  readonly port: number;
  /** For an http check. */
  readonly path?: string | undefined;
  /** For an http check. */
  readonly method?: string | undefined;
  readonly intervalSeconds?: number | undefined;
  readonly timeoutSeconds?: number | undefined;
  /** The time after a start in which failures do not count. */
  readonly gracePeriodSeconds?: number | undefined;
}

/** The options in `providerOptions.fly`. */
export interface FlyComputeOptions {
  /** @default "shared" where the size exists with shared CPUs, else "performance" */
  readonly cpuKind?: "shared" | "performance" | undefined;
  /**
   * The action of Fly's proxy on a machine without requests. With any value but "off", a request also starts the machine
   * again. @default "off"
   */
  readonly autostop?: "off" | "stop" | "suspend" | undefined;
  /** The action of `stop`. A suspended machine keeps its memory, which is limited to 2 GB. @default "stop" */
  readonly stopMode?: "stop" | "suspend" | undefined;
  /** The condition on which Fly restarts a program that ended: never, up to three times after a failure, or always. @default "on-failure" */
  readonly restart?: "no" | "on-failure" | "always" | undefined;
  /** The private network of the compute's app. @default a network of its own */
  readonly network?: string | undefined;
  /** "dedicated" costs 2 dollars a month and makes tcp ports reachable by IPv4. @default "shared" */
  readonly ipv4?: "shared" | "dedicated" | undefined;
  /** Checks by name. */
  readonly checks?: Readonly<Record<string, FlyCheck>> | undefined;
}

/** The options of `fly()` with their defaults. */
export interface FlySettings {
  readonly apiKey?: string;
  readonly org?: string;
  readonly app: string | undefined;
  readonly baseUrl: string;
  readonly logsBaseUrl: string;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly clock: Clock;
}

const token = z.string().check(z.regex(/^[\x20-\x7e]{1,20000}$/), z.regex(/\S/));
const slug = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/));
const slugAllowed = "1 to 63 of a-z, 0-9 and dashes";

const FIELDS = {
  apiKey: optional(field(token, "a Fly API token", { secret: true })),
  org: optional(field(slug, slugAllowed)),
  app: optional(field(slug, slugAllowed)),
  baseUrl: baseUrlField,
  logsBaseUrl: baseUrlField,
  fetch: fetchField,
  clock: clockField,
};

/** Parses the options of `fly()`. @throws VALIDATION naming every wrong field. */
export function parseFlyOptions(options: FlyOptions): FlySettings {
  const given = parseFields("The options of fly()", FIELDS, options);
  return {
    ...given,
    app: given.app,
    baseUrl: given.baseUrl ?? "https://api.machines.dev/v1",
    logsBaseUrl: given.logsBaseUrl ?? "https://api.fly.io/api/v1",
    fetch: given.fetch,
    clock: given.clock ?? systemClock,
  };
}

const seconds = z.optional(z.int().check(z.minimum(1), z.maximum(3600)));
const check = z.strictObject({
  type: z.enum(["http", "tcp"]),
  port: z.int().check(z.minimum(1), z.maximum(65_535)),
  path: z.optional(z.string().check(z.regex(/^\/\S*$/))),
  method: z.optional(z.string().check(z.regex(/^[A-Z]{3,7}$/))),
  intervalSeconds: seconds,
  timeoutSeconds: seconds,
  gracePeriodSeconds: seconds,
});
const checks = z.record(z.string().check(z.regex(/^[a-z0-9_-]{1,63}$/)), check);

const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): Field<z.ZodMiniOptional<z.ZodMiniEnum<{ [Value in Values[number]]: Value }>>> =>
  optional(field(z.enum(values), values.map((value) => `"${value}"`).join(", ")));

const COMPUTE_FIELDS = {
  cpuKind: oneOf(["shared", "performance"]),
  autostop: oneOf(["off", "stop", "suspend"]),
  stopMode: oneOf(["stop", "suspend"]),
  restart: oneOf(["no", "on-failure", "always"]),
  network: optional(field(slug, slugAllowed)),
  ipv4: oneOf(["shared", "dedicated"]),
  checks: optional(
    field(
      checks,
      "checks by name, each { type, port, path, method, intervalSeconds, timeoutSeconds, gracePeriodSeconds }",
    ),
  ),
};

/** Parses `providerOptions.fly`. @throws VALIDATION naming every wrong field. */
export function parseComputeOptions(options: unknown): FlyComputeOptions {
  return parseFields("providerOptions.fly", COMPUTE_FIELDS, options ?? {});
}
