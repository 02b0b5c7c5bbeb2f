/** What the providers offer. */
import type { GpuType } from "../provider.ts";
import { callProvider } from "./call.ts";
import type { Environment } from "./context.ts";

/** Every provider's catalogue; providers without one are left out. */
export async function listGpuTypes(environment: Environment): Promise<readonly GpuType[]> {
  const timeoutSeconds = environment.timing.requestTimeoutSeconds;
  const lists = environment.providers.map(async (provider) => {
    const list = provider.listGpuTypes?.bind(provider);
    if (list === undefined) return [];
    return callProvider(environment, { provider, operation: "listGpuTypes", timeoutSeconds }, list);
  });
  return (await Promise.all(lists)).flat();
}
