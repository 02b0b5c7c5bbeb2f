/** Tenants in memory. */
import type { TenantRecord } from "../../tenant-store.ts";

/** The tenants of every namespace. They are never handed out and never changed, only replaced. */
export class MemoryTenants {
  readonly #tenants = new Map<string, TenantRecord>();

  get(namespace: string, id: string): TenantRecord | undefined {
    return this.#tenants.get(keyOf({ namespace, id }));
  }

  find(namespace: string, isWanted: (tenant: TenantRecord) => boolean): TenantRecord | undefined {
    return this.list(namespace).find(isWanted);
  }

  /** Every tenant of a namespace, by name. */
  list(namespace: string): TenantRecord[] {
    return [...this.#tenants.values()]
      .filter((tenant) => tenant.namespace === namespace)
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  put(tenant: TenantRecord): void {
    this.#tenants.set(keyOf(tenant), tenant);
  }
}

function keyOf({ namespace, id }: Pick<TenantRecord, "namespace" | "id">): string {
  return JSON.stringify([namespace, id]);
}
