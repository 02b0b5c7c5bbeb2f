/** The client behind the top-level `spawnCompute`: its providers come from the environment. */
import { type Atlas, createAtlas } from "./atlas.ts";
import type { SpawnedCompute } from "./compute.ts";
import { AtlasError } from "./errors.ts";
import type { SpawnOptions } from "./lifecycle/spawn/spawn.ts";
import type { Provider } from "./provider.ts";
import type { AuthInput, SpawnRequest } from "./request.ts";

/** The providers and the variables that configure them, in order of preference. */
const CONFIGURED: readonly {
  readonly variables: readonly string[];
  readonly load: () => Promise<Provider>;
}[] = [
  { variables: ["RUNPOD_API_KEY"], load: async () => (await import("./providers/runpod/index.ts")).runpod() },
  {
    variables: ["FLY_API_TOKEN", "FLY_ORG"],
    load: async () => (await import("./providers/fly/index.ts")).fly(),
  },
];

let client: Promise<Atlas> | undefined;

/**
 * Spawns a compute on a default client: its providers are those with a key in the environment (`RUNPOD_API_KEY`; `FLY_API_TOKEN` with `FLY_ORG`),
 * in that order, and its store is in memory. Use it in scripts; an application makes its own client, with a durable store, so that no
 * compute is forgotten with the process.
 * @throws VALIDATION when no provider is configured, naming the variables; else as {@link Atlas.spawnCompute}.
 *
 * @example
 * ```ts
 * import { spawnCompute } from "atlas-compute";
 *
 * await using compute = await spawnCompute({ gpu: "h100", image: "ghcr.io/me/server:1", ports: [8000] });
 * await compute.waitUntilReady();
 * await fetch(compute.url(8000), { headers: compute.auth.headers });
 * ```
 */
export async function spawnCompute<
  const Auth extends AuthInput | undefined = "bearer",
  const Key extends string | undefined = undefined,
>(
  request: SpawnRequest & { readonly auth?: Auth; readonly idempotencyKey?: Key },
  options?: SpawnOptions,
): Promise<SpawnedCompute<Auth, Key>> {
  client ??= fromEnvironment();
  try {
    return await (await client).spawnCompute(request, options);
  } catch (error) {
    if (!(await isUsable(client))) client = undefined;
    throw error;
  }
}

async function isUsable(of: Promise<Atlas>): Promise<boolean> {
  return of.then(
    () => true,
    () => false,
  );
}

async function fromEnvironment(): Promise<Atlas> {
  const configured = CONFIGURED.filter(({ variables }) => variables.every((name) => process.env[name]));
  if (configured.length === 0) throw nothingConfigured();
  return createAtlas({ providers: await Promise.all(configured.map(({ load }) => load())) });
}

function nothingConfigured(): AtlasError {
  const sets = CONFIGURED.map(({ variables }) => variables.join(" with ")).join(", or ");
  return new AtlasError(
    "VALIDATION",
    `no provider is configured: set ${sets}, or make a client with createAtlas({ providers: [...] })`,
  );
}
