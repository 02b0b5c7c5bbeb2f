/** The provider keys of tenants: sealed in the store, in clear only in the memory of the process that calls the provider. */
import { AtlasError } from "../errors.ts";
import { PROVIDER_NAME } from "../internal/names.ts";
import { seal, unseal } from "../internal/sealed-key.ts";
import { changeTenant, type Registry, type Tenant } from "./registry.ts";

/** One line: a key that was read from a file often has a line break behind it. */
const KEY = /^[^\s\p{Cc}](?:\P{Cc}{0,8190}[^\s\p{Cc}])?$/u;

/** Sets or replaces the tenant's key for a provider. @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE */
export async function setProviderKey(
  registry: Registry,
  name: string,
  provider: string,
  key: string,
): Promise<Tenant> {
  return changeTenant(registry, name, ({ id, providerKeys }) => ({
    providerKeys: { ...providerKeys, ...sealProviderKeys(registry, id, { [provider]: key }) },
  }));
}

/** Seals keys for the store. @throws VALIDATION, without the key in its message */
export function sealProviderKeys(
  registry: Registry,
  tenantId: string,
  keys: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const sealed = Object.entries(keys).map(([provider, key]) => {
    requireKey(provider, key);
    return [provider, seal(registry.encryptionKey(), rowId(tenantId, provider), key)];
  });
  return Object.fromEntries(sealed);
}

/** Opens the tenant's key for a provider. @throws KEY_UNAVAILABLE when it does not decrypt */
export function openProviderKey(
  registry: Registry,
  { id, provider, sealed }: { readonly id: string; readonly provider: string; readonly sealed: string },
): string {
  return unseal(registry.encryptionKey(), rowId(id, provider), sealed);
}

/** Binds a key to its tenant and its provider: in the row of another one it does not open. */
function rowId(tenantId: string, provider: string): string {
  return `${tenantId}/${provider}`;
}

function requireKey(provider: string, key: unknown): void {
  if (!PROVIDER_NAME.test(provider))
    throw new AtlasError(
      "VALIDATION",
      "the name of a provider is 1 to 32 of a-z, 0-9 and dashes, such as runpod",
    );
  if (typeof key !== "string" || !KEY.test(key))
    throw new AtlasError(
      "VALIDATION",
      `the key for ${provider} is not valid: one line of up to 8192 characters, without white space around it`,
    );
}
