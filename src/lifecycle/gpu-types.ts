/** What the providers offer. */
import type { GpuType } from "../provider.ts";
import { callProvider } from "./call.ts";
import type { Context } from "./context.ts";

/** Every provider's catalogue; providers without one are left out. */
export async function listGpuTypes(context: Context): Promise<readonly GpuType[]> {
  const timeoutSeconds = context.timing.requestTimeoutSeconds;
  const lists = context.providers.map(async (provider) => {
    const list = provider.listGpuTypes?.bind(provider);
    if (list === undefined) return [];
    return callProvider(context, { provider, operation: "listGpuTypes", timeoutSeconds }, list);
  });
  return (await Promise.all(lists)).flat();
}
