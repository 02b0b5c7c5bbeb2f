/** Who the tenants are: finding, showing and changing them. */
import type { KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import { AtlasError } from "../errors.ts";
import { compareAndSwap } from "../internal/compare-and-swap.ts";
import type { Store } from "../store.ts";
import type { TenantRecord, TenantSnapshot, TenantStore } from "../tenant-store.ts";

/** Where tenants are registered. */
export interface Registry {
  readonly store: Store & TenantStore;
  readonly namespace: string;
  /** Times the pauses of a change that meets another one. */
  readonly clock: Clock;
  /** What provider keys are sealed with. @throws KEY_UNAVAILABLE */
  readonly encryptionKey: () => KeyObject;
}

/** A tenant of a shared control plane. Holds no secret. */
export interface Tenant {
  /** A letter and 19 more of `0-9a-z`; its computes are recorded in the namespace of that name. */
  readonly id: string;
  readonly name: string;
  /** How many credentials it can present now: none when it was revoked, more than one in the overlap of a rotation. */
  readonly credentials: number;
  /** The providers that it has a key of its own for. */
  readonly providers: readonly string[];
  readonly createdAt: Date;
  /** When it last called, to the minute. */
  readonly lastUsedAt: Date | null;
}

/** What may be shown of a tenant. */
export function toTenant({ tenant, now }: TenantSnapshot): Tenant {
  const { id, name, createdAt, lastUsedAt } = tenant;
  const credentials = validCredentials(tenant, now).length;
  return { id, name, credentials, providers: Object.keys(tenant.providerKeys), createdAt, lastUsedAt };
}

/** The credentials that it can present at that time. */
export function validCredentials(tenant: TenantRecord, now: Date): TenantRecord["credentials"] {
  return tenant.credentials.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/** Every tenant, by name. */
export async function listTenants({ store, namespace }: Registry): Promise<readonly Tenant[]> {
  const tenants = await store.listTenants(namespace);
  const now = await store.now();
  return tenants.map((tenant) => toTenant({ tenant, now }));
}

/** Changes a tenant; `decide` is asked again when somebody else changed it meanwhile. @throws NOT_FOUND */
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

/** The error for a name or an id that no tenant has. */
export function unknownTenant(name: string): AtlasError {
  return new AtlasError("NOT_FOUND", `there is no tenant ${JSON.stringify(String(name).slice(0, 64))}`);
}
