/** The request of a caller: its type, and its strict schema in words. */
import * as z from "zod/mini";
import type { GpuInput } from "./gpus.ts";
import { defined } from "./internal/defined.ts";
import { isOriginPattern, ORIGIN_ALLOWED } from "./internal/origins.ts";
import { field, invalid, optional, parseFields } from "./internal/parse.ts";
import type { PlacementRequest, PortProtocol, PortRequest } from "./provider.ts";
import { slotField, TIME_FIELDS } from "./request-fields.ts";
import { DEFAULT_TIMES, type ParsedTimes, type RequestTimes } from "./request-times.ts";
import type { AuthScheme } from "./store.ts";

/** Options of single providers, by provider name. Each provider's entry point adds its own by declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: providers merge their own options into it.
export interface ProviderOptions {}

/** A port: its number (http), `"<number>/http"`, `"<number>/tcp"`, or an object with a name. */
export type PortInput =
  | number
  | `${number}`
  | `${number}/${PortProtocol}`
  | { readonly port: number; readonly protocol?: PortProtocol; readonly name?: string };

/** The protection of a pod: one scheme, several, or `"none"`. */
export type AuthInput = "none" | AuthScheme | readonly AuthScheme[];

/** A request for a compute, as `spawnCompute` takes it. */
export interface SpawnRequest extends RequestTimes {
  /** A canonical name (`"h100"`), a provider's own id, or several in order of preference. Omitted: a CPU machine. */
  readonly gpu?: GpuInput | readonly GpuInput[] | undefined;
  /** GPUs in the machine, 1 to 64. @default 1 */
  readonly gpuCount?: number | undefined;
  /** Container image. */
  readonly image?: string | undefined;
  /** The program and its arguments, instead of the image's own command. */
  readonly command?: readonly string[] | undefined;
  /** Ports that the outside can reach. @default [] */
  readonly ports?: readonly PortInput[] | undefined;
  /** Environment of the pod. Names that begin with `ATLAS_` are refused. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * The protection of the pod: bearer tokens, signed URLs and folders, links that open a browser tab and leave a cookie, or several of them.
   * `"cookie"` needs the guard in the image. @default "bearer"
   */
  readonly auth?: AuthInput | undefined;
  /**
   * Origins of the pages that may call the pod, up to 50: the guard's `ATLAS_ORIGINS`. One `*` may stand in the first label where two labels follow
   * it, as in `https://preview-*.app.example`. @default none
   */
  readonly origins?: readonly string[] | undefined;
  /** The user that it belongs to, by the application's own name. */
  readonly userId?: string | undefined;
  /**
   * The name of this one among the user's computes: `/^[a-z0-9][a-z0-9_-]{0,63}$/`. Of a user's live computes one has it; a second spawn is a
   * CONFLICT. Needs `userId`. Omitted: the user may have any number of such computes.
   */
  readonly slot?: string | undefined;
  /** A repeated call with the same key returns the same compute, without its token. */
  readonly idempotencyKey?: string | undefined;
  /** Regions in order of preference. */
  readonly regions?: readonly string[] | undefined;
  /** The highest price of a candidate, in US dollars per hour for the whole machine. */
  readonly maxCostPerHour?: number | undefined;
  /** Virtual CPUs. */
  readonly cpus?: number | undefined;
  /** Memory in GB. */
  readonly memoryGb?: number | undefined;
  /** Disk of the container in GB; its content is lost when the compute ends. */
  readonly diskGb?: number | undefined;
  /** Volume of this machine in GB. */
  readonly volumeGb?: number | undefined;
  /** The provider's id of an existing volume. */
  readonly networkVolumeId?: string | undefined;
  /** Mount path of the volume. */
  readonly volumePath?: string | undefined;
  /** The application's own facts, stored with the compute. They must hold no secret. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Options of single providers. */
  readonly providerOptions?: ProviderOptions | undefined;
}

/** A valid request, with every default filled in. */
export interface ParsedRequest extends Omit<PlacementRequest, "options">, ParsedTimes {
  readonly env: Readonly<Record<string, string>>;
  readonly auth: readonly AuthScheme[];
  readonly origins: readonly string[];
  readonly userId: string | null;
  readonly slot: string | null;
  readonly idempotencyKey: string | null;
  readonly providerOptions: Readonly<Record<string, unknown>>;
}

const text = (maximum: number): z.ZodMiniString =>
  z.string().check(z.minLength(1), z.maxLength(maximum), z.regex(/^\P{Cc}*$/u));
const whole = (from: number, to: number): z.ZodMiniNumberFormat =>
  z.int().check(z.minimum(from), z.maximum(to));

const MAX_PORTS = 20;
const portNumber = whole(1, 65_535);
const portInput = z.union([
  portNumber,
  z.string().check(
    z.regex(/^[1-9][0-9]{0,4}(\/(http|tcp))?$/),
    z.refine((value) => Number.parseInt(value, 10) <= 65_535),
  ),
  z.strictObject({
    port: portNumber,
    protocol: z.optional(z.enum(["http", "tcp"])),
    name: z.optional(z.string().check(z.regex(/^[a-z][a-z0-9-]{0,31}$/))),
  }),
]);
const portAllowed =
  `up to ${MAX_PORTS} of: a number from 1 to 65535, "8000", "8000/http", "22/tcp", or { port, protocol, name } ` +
  "with a name of a-z, 0-9 and dashes";

const scheme = z.enum(["bearer", "signed-url", "cookie"]);
const envName = z.string().check(
  z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  z.refine((name) => !name.startsWith("ATLAS_")),
);
const envValue = z.string().check(
  z.maxLength(32_768),
  z.refine((value) => !value.includes("\0")),
);
const metadataKey = z.string().check(z.regex(/^[A-Za-z0-9_.-]{1,64}$/));
const gpuName = text(100);

const FIELDS = {
  gpu: optional(
    field(
      z.union([gpuName, z.array(gpuName).check(z.minLength(1), z.maxLength(20))]),
      "a GPU name, or 1 to 20 of them",
    ),
  ),
  gpuCount: optional(field(whole(1, 64), "a whole number from 1 to 64")),
  image: optional(
    field(text(500).check(z.regex(/^\S+$/)), "an image reference of up to 500 characters without spaces"),
  ),
  command: optional(
    field(
      z
        .array(
          z.string().check(
            z.maxLength(32_768),
            z.refine((value) => !value.includes("\0")),
          ),
        )
        .check(z.minLength(1), z.maxLength(100)),
      "an array of 1 to 100 strings",
      { secret: true },
    ),
  ),
  ports: optional(field(z.array(portInput).check(z.maxLength(MAX_PORTS)), portAllowed)),
  env: optional(
    field(
      z.record(envName, envValue),
      "names of letters, digits and _ that do not begin with ATLAS_, values strings of up to 32768 characters",
      {
        secret: true,
      },
    ),
  ),
  auth: optional(
    field(
      z.union([
        z.literal("none"),
        scheme,
        z.array(scheme).check(
          z.minLength(1),
          z.refine((schemes) => new Set(schemes).size === schemes.length),
        ),
      ]),
      '"none", "bearer", "signed-url", "cookie", or a list such as ["bearer", "signed-url"]',
    ),
  ),
  origins: optional(
    field(
      z.array(z.string().check(z.refine(isOriginPattern))).check(z.maxLength(50)),
      `up to 50 ${ORIGIN_ALLOWED}`,
    ),
  ),
  userId: optional(field(text(200), "a string of 1 to 200 characters")),
  slot: slotField,
  idempotencyKey: optional(field(text(200), "a string of 1 to 200 characters")),
  regions: optional(field(z.array(text(64)).check(z.maxLength(50)), "up to 50 region names")),
  maxCostPerHour: optional(
    field(
      z.number().check(z.positive(), z.maximum(10_000)),
      "US dollars per hour, more than 0 and up to 10000",
    ),
  ),
  cpus: optional(field(whole(1, 512), "a whole number from 1 to 512")),
  memoryGb: optional(
    field(z.number().check(z.positive(), z.maximum(16_384)), "GB, more than 0 and up to 16384"),
  ),
  diskGb: optional(field(whole(1, 65_536), "whole GB from 1 to 65536")),
  volumeGb: optional(field(whole(1, 65_536), "whole GB from 1 to 65536")),
  networkVolumeId: optional(field(text(200), "a volume's id at the provider")),
  volumePath: optional(field(text(500).check(z.regex(/^\/\S*$/)), "an absolute path")),
  ...TIME_FIELDS,
  metadata: optional(
    field(
      z
        .record(metadataKey, z.string().check(z.maxLength(500)))
        .check(z.refine((entries) => Object.keys(entries).length <= 50)),
      "up to 50 entries, names of up to 64 letters, digits, _, . and -, values strings of up to 500 characters",
    ),
  ),
  providerOptions: optional(
    field(z.record(z.string(), z.unknown()), "an object with the names of configured providers", {
      secret: true,
    }),
  ),
};

/**
 * Parses a caller's request.
 * @throws VALIDATION naming each wrong field with the received and the allowed values.
 */
export function parseRequest(input: unknown): ParsedRequest {
  const {
    gpu,
    auth = "bearer",
    ports = [],
    ...request
  } = parseFields("The request", FIELDS, input === undefined ? {} : input);
  const parsed: ParsedRequest = {
    ...DEFAULTS,
    ...request,
    gpus: gpu === undefined ? [] : [gpu].flat(),
    auth: auth === "none" ? [] : [auth].flat(),
    ports: ports.map(toPort),
  };
  refuseDuplicates(parsed.ports);
  refuseSlotWithoutUser(parsed);
  return parsed;
}

const DEFAULTS: Omit<ParsedRequest, "gpus" | "auth" | "ports"> = {
  gpuCount: 1,
  regions: [],
  env: {},
  origins: [],
  userId: null,
  slot: null,
  idempotencyKey: null,
  ...DEFAULT_TIMES,
  metadata: {},
  providerOptions: {},
};

function toPort(input: z.infer<typeof portInput>): PortRequest {
  if (typeof input === "number") return { internal: input, protocol: "http" };
  if (typeof input === "string") {
    const [number, protocol] = input.split("/");
    return { internal: Number(number), protocol: protocol === "tcp" ? "tcp" : "http" };
  }
  const { port, protocol = "http", name } = input;
  return { internal: port, protocol, ...defined({ name }) };
}

function refuseSlotWithoutUser({ slot, userId }: ParsedRequest): void {
  if (slot === null || userId !== null) return;
  throw invalid("The request", [
    {
      field: "slot",
      received: `"${slot}" without userId`,
      allowed: "a slot together with the userId that it belongs to",
    },
  ]);
}

function refuseDuplicates(ports: readonly PortRequest[]): void {
  const twice = ports.filter(
    (port, index) => ports.findIndex(({ internal }) => internal === port.internal) !== index,
  );
  if (twice.length === 0) return;
  throw invalid(
    "The request",
    twice.map(({ internal }) => ({
      field: "ports",
      received: `${internal} twice`,
      allowed: "each port once",
    })),
  );
}
