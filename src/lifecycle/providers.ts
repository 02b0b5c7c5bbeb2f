/** The configured providers: the one of a record, the ones that can do something, and their catalogues. */
import { AtlasError } from "../errors.ts";
import type { GpuType, Provider } from "../provider.ts";
import type { ComputeRecord } from "../store.ts";
import { callProvider } from "./call.ts";
import type { Context } from "./context.ts";

/** The names of providers, as a message lists them; "none" without one. */
export function namesOf(providers: readonly Provider[]): string {
  return providers.map(({ name }) => name).join(", ") || "none";
}

/** The configured provider of a record. @throws UNSUPPORTED when it is not configured any more */
export function providerOf(
  { providers }: Context,
  { id, provider: name }: Pick<ComputeRecord, "provider" | "id">,
): Provider {
  const provider = providers.find((configured) => configured.name === name);
  if (provider !== undefined) return provider;
  throw new AtlasError(
    "UNSUPPORTED",
    `compute ${id} runs on ${name}, which is not among the configured providers (${namesOf(providers)}): add it to createAtlas`,
    { provider: name, computeId: id },
  );
}

/** Reads the catalogue of every provider that has one. */
export async function listGpuTypes(context: Context): Promise<readonly GpuType[]> {
  const lists = context.providers.map(async (provider) => {
    const list = provider.listGpuTypes?.bind(provider);
    return list === undefined ? [] : callProvider(context, { provider, operation: "listGpuTypes" }, list);
  });
  return (await Promise.all(lists)).flat();
}
