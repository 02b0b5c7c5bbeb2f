/** An Atlas for each tenant: on its own provider keys, in a namespace of its own. */
import { Atlas } from "../atlas.ts";
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { TenantRecord } from "../tenant-store.ts";
import type { TenantsSettings } from "./options.ts";
import { openProviderKey } from "./provider-keys.ts";

/**
 * Makes and keeps the clients of tenants. A tenant's computes, their names at the provider, their tokens, idempotency keys, events and limits belong
 * to the namespace with the tenant's id, so that no call of one tenant can name a compute of another.
 */
export class TenantAtlases {
  readonly #settings: TenantsSettings;
  readonly #made = new Map<string, { readonly atlas: Atlas; readonly keys: string }>();

  constructor(settings: TenantsSettings) {
    this.#settings = settings;
  }

  /** Returns the tenant's Atlas; a changed provider key makes a new one. @throws KEY_UNAVAILABLE */
  of(tenant: TenantRecord): Atlas {
    const keys = JSON.stringify(tenant.providerKeys);
    const known = this.#made.get(tenant.id);
    if (known?.keys === keys) return known.atlas;
    const { own } = this.#settings;
    const providers = this.#providersOf(tenant);
    const atlas = new Atlas({ ...own, namespace: tenant.id, tenantId: tenant.id, providers });
    this.#made.set(tenant.id, { atlas, keys });
    return atlas;
  }

  /** Closes every tenant's Atlas. */
  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map(({ atlas }) => atlas.close()));
  }

  #providersOf({ id, name, providerKeys }: TenantRecord): readonly Provider[] {
    const { factories, registry } = this.#settings;
    const providers = Object.entries(factories).flatMap(([provider, make]) => {
      const sealed = providerKeys[provider];
      return sealed === undefined ? [] : [make(openProviderKey(registry, { id, provider, sealed }))];
    });
    if (providers.length > 0) return providers;
    const known = Object.keys(factories).join(", ");
    throw new AtlasError("KEY_UNAVAILABLE", `tenant ${name} has no key for any of ${known}: set one first`);
  }
}
