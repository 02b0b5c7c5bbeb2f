/**
 * The contract of a store that also keeps the tenants of a shared control plane: services that spawn on provider keys of their own.
 * The comments are the laws; `tenantStoreLaws` holds every store to them. As in a store of computes, every method is atomic, and failures of the
 * database are `STORE_UNAVAILABLE`.
 */

/** A credential of a tenant, by its hash; the credential itself is stored nowhere. */
export interface TenantCredential {
  /** SHA-256 of the credential, lowercase hex. */
  readonly hash: string;
  /** The time from which it is rejected; null until it is rotated or revoked. */
  readonly expiresAt: Date | null;
}

/** Everything that is stored about one tenant. Times are the store's. */
export interface TenantRecord {
  /** A letter and 19 more of `0-9a-z`. Its computes are recorded in the namespace of that name. */
  readonly id: string;
  /** The namespace of the registry, not of the tenant's computes. */
  readonly namespace: string;
  /** The name for people; unique in the registry. */
  readonly name: string;
  /** Rises by one with every change. */
  readonly version: number;
  readonly credentials: readonly TenantCredential[];
  /** The tenant's own provider keys by provider, each sealed (`enc:v2:`) for the row `<id>/<provider>`. */
  readonly providerKeys: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** A tenant, and the store's time at which it was read. */
export interface TenantSnapshot {
  readonly tenant: TenantRecord;
  readonly now: Date;
}

/** The calls of a store of tenants. */
export interface TenantStore {
  /** Adds a tenant. @returns false, with nothing written, when its id or its name is taken in its namespace. */
  insertTenant(tenant: TenantRecord): Promise<boolean>;

  /** One tenant, or `undefined`. */
  getTenant(namespace: string, id: string): Promise<TenantSnapshot | undefined>;

  /** The tenant of this name, or `undefined`. */
  getTenantByName(namespace: string, name: string): Promise<TenantSnapshot | undefined>;

  /** The tenant that this credential belongs to now: not expired. */
  getTenantByHash(namespace: string, hash: string): Promise<TenantSnapshot | undefined>;

  /** Replaces the tenant whose stored version is `tenant.version - 1`. @returns false, with nothing written, when no tenant matches. */
  replaceTenant(tenant: TenantRecord): Promise<boolean>;

  /** Every tenant of the namespace, in the order of their names' characters. */
  listTenants(namespace: string): Promise<readonly TenantRecord[]>;

  /**
   * The namespace, among all, in which a compute has a user's or a pod's token with this hash, expired or not. It tells
   * where to look a token up, and proves nothing: neither the token's kind, nor that it is a credential of the tenant.
   */
  namespaceOfToken(hash: string): Promise<string | undefined>;
}
