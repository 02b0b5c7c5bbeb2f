/** The request that the flags of `spawn` describe. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { type Command, InvalidArgumentError } from "commander";
import { AtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import { parseJson } from "../internal/json.ts";
import type { SpawnRequest } from "../request.ts";
import { collect, numberOf, secondsOf, secondsOrNever, wholeOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

/** The flags that describe a request. */
export interface RequestFlags {
  readonly gpu?: readonly string[];
  readonly gpuCount?: number;
  readonly image?: string;
  readonly port?: readonly string[];
  readonly env?: readonly string[];
  readonly envFile?: string;
  readonly auth?: readonly string[];
  readonly origin?: readonly string[];
  readonly user?: string;
  readonly slot?: string;
  readonly region?: readonly string[];
  readonly maxCost?: number;
  readonly cpus?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly idle?: number | null;
  readonly lifetime?: number | null;
  readonly bootTimeout?: number;
  readonly request?: Readonly<Record<string, unknown>>;
}

type Facts = Readonly<Record<string, unknown>>;

const more = (value: string, before: readonly string[] = []): string[] => collect(value, before);

/** Adds the flags of a request. */
export function requestOptions(command: Command): Command {
  return command
    .option("--gpu <name>", "GPU, in order of preference; repeat it for more", more)
    .option("--gpu-count <number>", "GPUs in the machine", wholeOf)
    .option("--image <reference>", "container image")
    .option(
      "-p, --port <port>",
      "port that the outside can reach, such as 8000 or 22/tcp; repeat it for more",
      more,
    )
    .option(
      "-e, --env <name[=value]>",
      "variable of the pod; with its name alone, the value of this shell",
      more,
    )
    .option("--env-file <path>", "file of variables of the pod, NAME=value a line")
    .option(
      "--auth <scheme>",
      "bearer, signed-url, cookie or none; repeat it for more (default: bearer)",
      more,
    )
    .option("--origin <origin>", "origin of a page that may call the pod; repeat it for more", more)
    .option("--user <id>", "user that the compute belongs to")
    .option("--slot <name>", "name of the compute among those of its user")
    .option("--region <name>", "region, in order of preference; repeat it for more", more)
    .option("--max-cost <dollars>", "highest price an hour", numberOf)
    .option("--cpus <number>", "virtual CPUs", wholeOf)
    .option("--memory <gb>", "memory in GB", numberOf)
    .option("--disk <gb>", "disk in GB", wholeOf)
    .option(
      "--idle <time>",
      "end without a sign of life: 90, 15m, 2h or never (default: 30m)",
      secondsOrNever,
    )
    .option("--lifetime <time>", "end in any case: 90, 15m, 2h or never (default: 1d)", secondsOrNever)
    .option("--boot-timeout <time>", "end unless it runs by then (default: the provider's)", secondsOf)
    .option("--request <json>", "further fields of the request, as spawnCompute takes them", objectOf);
}

/** Makes the request of these flags. `spawnCompute` checks it. @throws VALIDATION for a variable that cannot be read */
export function toRequest(flags: RequestFlags, command: readonly string[], { env }: CliWorld): SpawnRequest {
  const { port, memory: memoryGb, disk: diskGb, maxCost: maxCostPerHour, auth } = flags;
  const { gpu, gpuCount, image, origin: origins, user: userId, slot, region: regions, cpus } = flags;
  const request: Facts = {
    ...flags.request,
    ...defined({
      gpu,
      gpuCount,
      image,
      origins,
      userId,
      slot,
      regions,
      cpus,
      memoryGb,
      diskGb,
      maxCostPerHour,
    }),
    ...defined({ idleTimeoutSeconds: flags.idle, maxLifetimeSeconds: flags.lifetime }),
    ...defined({ bootTimeoutSeconds: flags.bootTimeout, ports: port?.map(toPort) }),
    ...defined({
      auth: auth?.length === 1 ? auth[0] : auth,
      command: command.length > 0 ? command : undefined,
    }),
    ...defined({ env: variablesOf(flags, env) }),
  };
  return request as SpawnRequest;
}

/** Parses a JSON object. */
export function objectOf(text: string): Facts {
  try {
    const value = parseJson(text);
    if (isObject(value)) return value;
  } catch {
    // The text is in no error: it may hold a value of env.
  }
  throw new InvalidArgumentError(`Write a JSON object, such as '{"gpu":"h100"}'.`);
}

function isObject(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A plain number is one in JSON too; any other form is the request's to judge. */
function toPort(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The variables of the file, and over them those of the flags; `undefined` without either. */
function variablesOf(
  { env: named, envFile, request }: RequestFlags,
  env: CliWorld["env"],
): Facts | undefined {
  if (named === undefined && envFile === undefined) return undefined;
  const own = isObject(request?.env) ? request.env : {};
  const fromFile = envFile === undefined ? {} : parseEnv(readText(envFile));
  return { ...own, ...fromFile, ...Object.fromEntries((named ?? []).map((text) => toVariable(text, env))) };
}

function toVariable(text: string, env: CliWorld["env"]): readonly [string, string] {
  const [name = "", ...rest] = text.split("=");
  const value = rest.length > 0 ? rest.join("=") : env[name];
  if (value !== undefined) return [name, value];
  throw new AtlasError(
    "VALIDATION",
    `--env ${name} passes the variable of this shell on, which has none of that name.`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AtlasError("VALIDATION", `The file ${path} of --env-file cannot be read.`, { cause });
  }
}
