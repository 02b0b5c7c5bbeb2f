/** The registry of tenants: finding, showing and changing them. */
import type { Clock } from "../clock.ts";
import { AtlasError } from "../errors.ts";
import { compareAndSwap } from "../internal/compare-and-swap.ts";
import type { Keyring } from "../internal/sealed-key.ts";
import type { Store } from "../store.ts";
import type { TenantRecord, TenantSnapshot, TenantStore } from "../tenant-store.ts";

/** A store of tenants, and the namespace of its registry. */
export interface Registry {
  readonly store: Store & TenantStore;
  readonly namespace: string;
  /** Times the pauses after a collision of two changes. */
  readonly clock: Clock;
  /** The keys that seal provider keys. @throws KEY_UNAVAILABLE */
  readonly encryptionKeys: () => Keyring;
}

/** A tenant of a shared control plane. Holds no secret. */
export interface Tenant {
  /** A letter and 19 more of `0-9a-z`; its computes are recorded in the namespace of that name. */
  readonly id: string;
  readonly name: string;
  /** The number of its valid credentials: none after a revocation, more than one in the overlap of a rotation. */
  readonly credentials: number;
  /** The providers for which it has a key. */
  readonly providers: readonly string[];
  readonly createdAt: Date;
  /** The time of its last call, to the minute. */
  readonly lastUsedAt: Date | null;
}

/** Converts a record to the public view of a tenant. */
export function toTenant({ tenant, now }: TenantSnapshot): Tenant {
  const { id, name, createdAt, lastUsedAt } = tenant;
  const credentials = validCredentials(tenant, now).length;
  return { id, name, credentials, providers: Object.keys(tenant.providerKeys), createdAt, lastUsedAt };
}

/** The credentials that are valid at that time. */
export function validCredentials(tenant: TenantRecord, now: Date): TenantRecord["credentials"] {
  return tenant.credentials.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/** Every tenant, by name. */
export async function listTenants({ store, namespace }: Registry): Promise<readonly Tenant[]> {
  const tenants = await store.listTenants(namespace);
  const now = await store.now();
  return tenants.map((tenant) => toTenant({ tenant, now }));
}

/** Changes a tenant; `decide` runs again after a concurrent change. @throws NOT_FOUND */
export async function changeTenant(
  { store, namespace, clock }: Registry,
  name: string,
  decide: (tenant: TenantRecord, now: Date) => Partial<Pick<TenantRecord, "credentials" | "providerKeys">>,
): Promise<Tenant> {
  return compareAndSwap({ clock, what: `tenant ${name}` }, async () => {
    const found = await store.getTenantByName(namespace, name);
    if (found === undefined) throw unknownTenant(name);
    const { tenant, now } = found;
    const next = { ...tenant, ...decide(tenant, now), version: tenant.version + 1 };
    return (await store.replaceTenant(next)) ? toTenant({ tenant: next, now }) : undefined;
  });
}

/** Builds the error for an unknown name or id of a tenant. */
export function unknownTenant(name: string): AtlasError {
  return new AtlasError("NOT_FOUND", `no tenant is called ${JSON.stringify(String(name).slice(0, 64))}`);
}
