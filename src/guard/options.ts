import * as z from "zod/mini";
import { hashToken } from "../auth/token.ts";
import { type Clock, systemClock } from "../clock.ts";
import { isSafeAddress } from "../internal/addresses.ts";
import { callable, clockField, fetchField } from "../internal/option-fields.ts";
import { isOriginPattern, ORIGIN_ALLOWED } from "../internal/origins.ts";
import { type Field, field, optional, parseFields } from "../internal/parse.ts";
import type { ControlPlaneAccess } from "./life/control-plane.ts";
import { UNREACHABLE_SECONDS } from "./life/dead-man.ts";
import { type Ending, hashSchema, SIGN_KINDS, type SignKind } from "./life/heartbeat.ts";
import type { EnvironmentVariables } from "./life/self-ending.ts";
import { type AllowedOrigins, allowOrigins } from "./verdict/cors.ts";
import { PUBLIC_PATH } from "./verdict/public-paths.ts";
import type { GuardScheme } from "./verdict/state.ts";

/** The conditions under which a pod ends itself. */
export interface DeadManOptions {
  /** The longest time without contact with the control plane, in seconds; null for no limit. @default 1800 */
  readonly unreachableSeconds?: number | null | undefined;
}

/** Options of `createGuard`. The pod's environment supplies the ones that are left out. */
export interface GuardOptions {
  /** The accepted token, or several during a rotation. The guard keeps only their hashes. @default ATLAS_PRESHARED_KEY */
  readonly presharedKey?: string | readonly string[] | undefined;
  /** Hashes of further accepted tokens, made by `hashToken`. @default [] */
  readonly hashes?: readonly string[] | undefined;
  /** The secret that signs URLs, or several during a rotation. @default ATLAS_SIGNING_SECRET */
  readonly signingSecret?: string | readonly string[] | undefined;
  /**
   * The kinds of credentials that the pod accepts. `cookie` opens a pod in a browser tab, and needs the signing secret.
   * @default ATLAS_AUTH, separated by commas, else "bearer" and "signed-url"
   */
  readonly schemes?: readonly GuardScheme[] | undefined;
  /** Further methods that a signed URL opens, beside GET and HEAD; `WEBSOCKET` stands for a WebSocket. @default [] */
  readonly signedMethods?: readonly string[] | undefined;
  /**
   * Origins whose pages may call the pod, beside those of ATLAS_ORIGINS (separated by commas): exactly as browsers send them, such as
   * `https://app.example`, or with one `*` in the first label, such as `https://preview-*.app.example`. @default []
   */
  readonly origins?: readonly string[] | undefined;
  /** Paths whose GET and HEAD need no credential: `/healthz`, or `/assets/*` for all paths below it. @default [] */
  readonly publicPaths?: readonly string[] | undefined;
  /** The id of the compute, which the readiness path returns. @default ATLAS_COMPUTE_ID */
  readonly computeId?: string | undefined;
  /** The URL of the control plane. Without it the guard sends no heartbeats. @default ATLAS_CONTROL_URL */
  readonly controlUrl?: string | undefined;
  /** The pod's own credential at the control plane. @default ATLAS_POD_TOKEN */
  readonly podToken?: string | undefined;
  /** The ISO time at which the dead man's switch ends the pod. @default ATLAS_DEADLINE */
  readonly deadline?: string | undefined;
  /** The kinds of events that count as signs of life. @default all three */
  readonly signs?: readonly SignKind[] | undefined;
  /** Makes the pod end itself after its deadline, and when the control plane is gone or rejects its credential. @default false */
  readonly deadMan?: boolean | DeadManOptions | undefined;
  /**
   * Called once for each planned end, when its warning is due: `{ at, reason }`, with an ISO time. A change of the plan, by `extend` for
   * example, is another end.
   */
  readonly onEnding?: ((ending: Ending) => void) | undefined;
  /**
   * Returns true when the server is ready, for the readiness path and the report to the control plane. Without it the guard waits for the
   * first request, which it sends itself to a `node:http` server that begins to listen. @default () => true
   */
  readonly isReady?: (() => boolean) | undefined;
  /** Takes a line for the operator, which never holds a secret. @default console.error */
  readonly log?: ((line: string) => void) | undefined;
  /** Sends requests to the control plane and to the provider. @default the global fetch */
  readonly fetch?: typeof fetch | undefined;
  /** The clock of every wait and expiry. @default the machine's */
  readonly clock?: Clock | undefined;
  /** The pod's environment. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The options with every default filled in, and hashes in place of tokens. */
export interface GuardSettings {
  readonly hashes: readonly string[];
  readonly signingSecrets: readonly string[];
  readonly schemes: ReadonlySet<GuardScheme>;
  readonly signedMethods: ReadonlySet<string>;
  readonly origins: AllowedOrigins;
  readonly publicPaths: readonly string[];
  readonly computeId: string | null;
  readonly control: ControlPlaneAccess | undefined;
  /** The deadline in milliseconds since 1970, or null for none. */
  readonly deadline: number | null;
  readonly signs: ReadonlySet<SignKind>;
  readonly deadMan: { readonly unreachableSeconds: number | null } | undefined;
  readonly onEnding: ((ending: Ending) => void) | undefined;
  readonly isReady: () => boolean;
  /** True where `isReady` is the application's own: its first true tells that the server listens. */
  readonly tellsListening: boolean;
  readonly log: (line: string) => void;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly env: EnvironmentVariables;
}

const token = field(
  z.string().check(z.regex(/^[!-+\--~]{1,4096}$/)),
  "1 to 4096 characters of visible ASCII without a comma",
  { secret: true },
);
const secret = field(z.string().check(z.minLength(1), z.maxLength(4096)), "1 to 4096 characters", {
  secret: true,
});
const origin = z.string().check(z.refine(isOriginPattern));
const computeId = field(z.string().check(z.regex(/^[\w-]{1,64}$/)), "up to 64 letters, digits, _ and -");
const url = field(
  z.string().check(z.refine(isSafeAddress)),
  "an https URL, or an http one of a private host: the pod's credential goes to it",
);
const time = field(z.iso.datetime({ offset: true }), "an ISO time such as 2030-01-31T12:00:00Z");

const environment = z.custom<EnvironmentVariables>((value) => typeof value === "object" && value !== null);

const DEAD_MAN = z.union([
  z.boolean(),
  z.strictObject({ unreachableSeconds: z.optional(z.nullable(z.int().check(z.minimum(60)))) }),
]);

const OPTIONS = {
  presharedKey: optional(oneOrMore(token)),
  hashes: optional(field(z.array(hashSchema), "SHA-256 hashes, each 64 lowercase hex digits")),
  signingSecret: optional(oneOrMore(secret)),
  schemes: optional(
    field(z.array(z.enum(["bearer", "signed-url", "cookie"])), "a list of bearer, signed-url, cookie"),
  ),
  signedMethods: optional(
    field(
      z.array(z.string().check(z.regex(/^[A-Z]{1,20}$/))),
      'methods in upper case, such as "POST", or "WEBSOCKET"',
    ),
  ),
  origins: optional(field(z.array(origin), ORIGIN_ALLOWED)),
  publicPaths: optional(
    field(
      z.array(z.string().check(z.regex(PUBLIC_PATH))),
      'paths such as "/healthz" or "/assets/*", without escapes',
    ),
  ),
  computeId: optional(computeId),
  controlUrl: optional(url),
  podToken: optional(token),
  deadline: optional(time),
  signs: optional(field(z.array(z.enum(SIGN_KINDS)), `a list of ${SIGN_KINDS.join(", ")}`)),
  deadMan: optional(
    field(DEAD_MAN, "true, false, or { unreachableSeconds } with 60 or more, or null for a deadline alone"),
  ),
  onEnding: optional(field(callable<(ending: Ending) => void>(), "a function")),
  isReady: optional(field(callable<() => boolean>(), "a function")),
  log: optional(field(callable<(line: string) => void>(), "a function")),
  fetch: fetchField,
  clock: clockField,
  env: optional(field(environment, "an object of strings", { secret: true })),
};

const SCHEMES: readonly GuardScheme[] = ["bearer", "signed-url", "cookie"];
const DEFAULT_SCHEMES: readonly GuardScheme[] = ["bearer", "signed-url"];

const ENVIRONMENT = {
  ATLAS_AUTH: optional(
    field(
      z
        .string()
        .check(
          z.refine((value) => splitList(value).every((item) => SCHEMES.some((scheme) => scheme === item))),
        ),
      `${SCHEMES.join(", ")}, separated by commas`,
    ),
  ),
  ATLAS_PRESHARED_KEY: optional(token),
  ATLAS_SIGNING_SECRET: optional(secret),
  ATLAS_ORIGINS: optional(
    field(
      z.string().check(z.refine((value) => splitList(value).every((item) => origin.safeParse(item).success))),
      `${ORIGIN_ALLOWED}, separated by commas`,
    ),
  ),
  ATLAS_COMPUTE_ID: optional(computeId),
  ATLAS_CONTROL_URL: optional(url),
  ATLAS_POD_TOKEN: optional(token),
  ATLAS_DEADLINE: optional(time),
};

/**
 * Parses the options, and the environment in place of the options that are left out.
 * @throws VALIDATION naming the option or the variable.
 */
export function parseOptions(options: GuardOptions): GuardSettings {
  const given = parseFields("The guard's configuration", OPTIONS, options);
  const env = given.env ?? process.env;
  const found = parseFields("The pod's environment", ENVIRONMENT, ownVariables(env));
  const keys = [given.presharedKey ?? found.ATLAS_PRESHARED_KEY ?? []].flat();
  const deadline = given.deadline ?? found.ATLAS_DEADLINE;
  return {
    hashes: [...keys.map(hashToken), ...(given.hashes ?? [])],
    signingSecrets: [given.signingSecret ?? found.ATLAS_SIGNING_SECRET ?? []].flat(),
    schemes: new Set(given.schemes ?? schemesIn(found.ATLAS_AUTH)),
    signedMethods: new Set(["GET", "HEAD", ...(given.signedMethods ?? [])]),
    origins: allowOrigins([...(given.origins ?? []), ...splitList(found.ATLAS_ORIGINS ?? "")]),
    publicPaths: given.publicPaths ?? [],
    computeId: given.computeId ?? found.ATLAS_COMPUTE_ID ?? null,
    control: controlPlane(
      given.controlUrl ?? found.ATLAS_CONTROL_URL,
      given.podToken ?? found.ATLAS_POD_TOKEN,
    ),
    deadline: deadline === undefined ? null : Date.parse(deadline),
    signs: new Set(given.signs ?? SIGN_KINDS),
    deadMan: deadManSettings(given.deadMan),
    onEnding: given.onEnding,
    isReady: given.isReady ?? (() => true),
    tellsListening: given.isReady !== undefined,
    log: given.log ?? ((line) => console.error(line)),
    fetch: given.fetch ?? ((...request) => globalThis.fetch(...request)),
    clock: given.clock ?? systemClock,
    env,
  };
}

function oneOrMore(of: Field<z.ZodMiniString>): Field<z.ZodMiniType<string | string[]>> {
  const schema = z.union([of.schema, z.array(of.schema).check(z.minLength(1), z.maxLength(20))]);
  return field(schema, `${of.allowed}, or a list of 1 to 20 of these`, { secret: true });
}

/** Picks the guard's own variables. An empty variable counts as absent, as in a shell. */
function ownVariables(env: EnvironmentVariables): Record<string, string> {
  const names = Object.keys(ENVIRONMENT);
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

function schemesIn(list: string | undefined): readonly GuardScheme[] {
  if (list === undefined) return DEFAULT_SCHEMES;
  const named = splitList(list);
  return SCHEMES.filter((scheme) => named.includes(scheme));
}

function controlPlane(at: string | undefined, podToken: string | undefined): ControlPlaneAccess | undefined {
  return at === undefined || podToken === undefined ? undefined : { url: at.replace(/\/+$/, ""), podToken };
}

function deadManSettings(given: boolean | DeadManOptions | undefined): GuardSettings["deadMan"] {
  if (given === undefined || given === false) return undefined;
  const { unreachableSeconds = UNREACHABLE_SECONDS } = given === true ? {} : given;
  return { unreachableSeconds };
}
