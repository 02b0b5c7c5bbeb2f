/** The provider keys of tenants: sealed in the store, in clear only in the memory of the process that calls the provider. */
import { AtlasError, isAtlasError } from "../errors.ts";
import { PROVIDER_NAME } from "../internal/names.ts";
import { isSealedByFirst, type Keyring, seal, unseal } from "../internal/sealed-key.ts";
import type { TenantRecord } from "../tenant-store.ts";
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
    return [provider, seal(registry.encryptionKeys(), rowId(tenantId, provider), key)];
  });
  return Object.fromEntries(sealed);
}

/** Opens the tenant's key for a provider. @throws KEY_UNAVAILABLE when it does not decrypt */
export function openProviderKey(
  registry: Registry,
  { id, provider, sealed }: { readonly id: string; readonly provider: string; readonly sealed: string },
): string {
  return unseal(registry.encryptionKeys(), rowId(id, provider), sealed);
}

/** The result of sealing anew. */
export interface Resealed {
  /** The provider keys that the first encryption key seals now and did not before. */
  readonly resealed: number;
  /** The keys that no encryption key opens, as `<tenant>/<provider>`. */
  readonly unreadable: readonly string[];
}

/** Seals every tenant's keys with the first encryption key, after which the others can be taken away. Safe to repeat, and beside a running control plane. */
export async function resealProviderKeys(registry: Registry): Promise<Resealed> {
  const tenants = await registry.store.listTenants(registry.namespace);
  const results: Resealed[] = [];
  for (const tenant of tenants) results.push(await resealTenant(registry, tenant));
  return {
    resealed: results.reduce((sum, { resealed }) => sum + resealed, 0),
    unreadable: results.flatMap(({ unreadable }) => unreadable),
  };
}

async function resealTenant(registry: Registry, { name, providerKeys }: TenantRecord): Promise<Resealed> {
  const keyring = registry.encryptionKeys();
  const isCurrent = (sealed: string): boolean => isSealedByFirst(keyring, sealed);
  if (Object.values(providerKeys).every(isCurrent)) return { resealed: 0, unreadable: [] };
  let result: Resealed = { resealed: 0, unreadable: [] };
  await changeTenant(registry, name, ({ id, providerKeys: stored }) => {
    const old = Object.entries(stored).filter(([, sealed]) => !isCurrent(sealed));
    const anew = old.map(
      ([provider, sealed]) => [provider, resealOne(keyring, rowId(id, provider), sealed)] as const,
    );
    const readable = anew.flatMap(([provider, sealed]) =>
      sealed === undefined ? [] : [[provider, sealed] as const],
    );
    const lost = anew.filter(([, sealed]) => sealed === undefined);
    result = { resealed: readable.length, unreadable: lost.map(([provider]) => `${name}/${provider}`) };
    return { providerKeys: { ...stored, ...Object.fromEntries(readable) } };
  });
  return result;
}

function resealOne(keyring: Keyring, row: string, sealed: string): string | undefined {
  try {
    return seal(keyring, row, unseal(keyring, row, sealed));
  } catch (error) {
    if (isAtlasError(error) && error.code === "KEY_UNAVAILABLE") return undefined;
    throw error;
  }
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
