/** The tenants of a shared control plane. */
import pMap from "p-map";
import type { Atlas } from "../atlas.ts";
import { hashToken } from "../auth/token.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
import { isToken } from "../internal/token-shape.ts";
import { messageOf } from "../lifecycle/failures.ts";
import type { ReapOptions, ReapReport } from "../lifecycle/reap/reap.ts";
import type { TenantRecord } from "../tenant-store.ts";
import { TenantAtlases } from "./atlases.ts";
import {
  type CreateTenantOptions,
  createTenant,
  type NewCredential,
  type RotateTenantOptions,
  recognise,
  revokeCredentials,
  rotateCredential,
} from "./credentials.ts";
import { type Handler, isReport, type Target, TenantHandlers, type TenantsHandler } from "./handlers.ts";
import { type TenantsOptions, type TenantsSettings, toSettings } from "./options.ts";
import { OwnAtlas } from "./own-atlas.ts";
import { setProviderKey } from "./provider-keys.ts";
import { listTenants, type Tenant, toTenant, unknownTenant } from "./registry.ts";

const CONCURRENCY = 8;

/** The tenants; made by {@link createTenants}. */
export class Tenants implements AsyncDisposable {
  /**
   * The application's own Atlas, on `ownProviders`. It cannot see the tenants' computes, but its `findByToken`, `reap` and `startReaper` work for
   * all tenants too, as the `/internal` routes of a control plane need.
   */
  readonly atlas: Atlas;
  readonly #settings: TenantsSettings;
  readonly #atlases: TenantAtlases;

  /** @internal */
  constructor(settings: TenantsSettings) {
    this.#settings = settings;
    this.#atlases = new TenantAtlases(settings);
    this.atlas = new OwnAtlas(settings.own, {
      atlasForToken: (candidate) => this.#atlasForToken(candidate),
      reap: (options) => this.#reapAll(options),
    });
  }

  /** Registers a tenant. Returns its credential, which is not shown again. @throws VALIDATION, CONFLICT when the name is taken */
  create(name: string, options: CreateTenantOptions = {}): Promise<NewCredential> {
    return createTenant(this.#settings.registry, name, options);
  }

  /** Every tenant, by name. */
  list(): Promise<readonly Tenant[]> {
    return listTenants(this.#settings.registry);
  }

  /** Creates a new credential, which is shown once; the old ones stay valid for the overlap. A revoked tenant has access again. @throws NOT_FOUND, VALIDATION */
  rotate(name: string, options: RotateTenantOptions = {}): Promise<NewCredential> {
    return rotateCredential(this.#settings.registry, name, options);
  }

  /** Revokes every credential of a tenant. Its computes keep running, and the reaper keeps watching them. @throws NOT_FOUND */
  revoke(name: string): Promise<Tenant> {
    return revokeCredentials(this.#settings.registry, name);
  }

  /**
   * Sets or replaces a tenant's own key for a provider. The new key must belong to the same account, or Atlas no longer finds the tenant's instances.
   * @throws NOT_FOUND, VALIDATION
   */
  setProviderKey(name: string, provider: string, key: string): Promise<Tenant> {
    return setProviderKey(this.#settings.registry, name, provider, key);
  }

  /**
   * Finds the tenant of a request by its `Authorization: Bearer`. In the mode `"recognise"` the result is `null` for every other caller.
   * @throws UNAUTHORIZED for every other caller in the mode `"strict"`
   * @throws STORE_UNAVAILABLE when the store cannot answer
   */
  async authenticate(request: Request): Promise<Tenant | null> {
    const found = await recognise(this.#settings.registry, bearerOf(request));
    if (found !== undefined) return toTenant(found);
    if (!this.#settings.isStrict) return null;
    throw new AtlasError(
      "UNAUTHORIZED",
      "The credential was rejected: present a tenant's credential as Authorization: Bearer.",
      { details: { credential: "tenant" } },
    );
  }

  /**
   * Returns the Atlas of a tenant: on its own provider keys, without access to any other tenant's computes.
   * @throws NOT_FOUND
   * @throws KEY_UNAVAILABLE when the tenant has no provider key, or one that does not decrypt. Another key is never used instead.
   */
  async atlasFor({ id }: Pick<Tenant, "id">): Promise<Atlas> {
    const { store, namespace } = this.#settings.registry;
    const found = await store.getTenant(namespace, id);
    if (found === undefined) throw unknownTenant(id);
    return this.#atlases.of(found.tenant);
  }

  /**
   * Makes a handler that routes each request: to a tenant's handler when the request has the tenant's credential, and a pod's report also when it
   * has the credential of one of the tenant's pods; else to the application's own. `make` is called once for each handler. The
   * routing grants nothing: `authenticate` and the control plane check the credential.
   */
  handler(make: (atlas: Atlas) => Handler): TenantsHandler {
    const handlers = new TenantHandlers(make);
    const handle = async (request: Request): Promise<Response> => {
      const target = await this.#targetOf(request).catch(toProblem);
      return target instanceof Response ? target : handlers.of(target)(request);
    };
    handlers.of({ id: null, atlas: this.atlas });
    return Object.assign(handle, { closeStreams: () => handlers.closeStreams() });
  }

  /** Closes every client and the store. Ends no compute. */
  async close(): Promise<void> {
    await this.#atlases.close();
    await this.atlas.close();
  }

  /** The same as {@link Tenants.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Finds the target of a request. Only a report is routed by a pod's credential: elsewhere a compute's token must not act as its tenant. */
  async #targetOf(request: Request): Promise<Target> {
    const bearer = bearerOf(request);
    const found = await recognise(this.#settings.registry, bearer);
    const tenant = found?.tenant ?? (isReport(request) ? await this.#holderOf(bearer) : undefined);
    if (tenant === undefined) return { id: null, atlas: this.atlas };
    return { id: tenant.id, atlas: this.#atlases.of(tenant) };
  }

  async #atlasForToken(candidate: unknown): Promise<Atlas | undefined> {
    const holder = await this.#holderOf(candidate);
    return holder && this.#atlases.of(holder);
  }

  async #holderOf(candidate: unknown): Promise<TenantRecord | undefined> {
    if (!isToken(candidate)) return undefined;
    const { store, namespace } = this.#settings.registry;
    const holder = await store.namespaceOfToken(hashToken(candidate));
    return holder === undefined ? undefined : (await store.getTenant(namespace, holder))?.tenant;
  }

  async #reapAll(options: ReapOptions): Promise<readonly ReapReport[]> {
    const { store, namespace } = this.#settings.registry;
    const tenants = await store.listTenants(namespace);
    const withKeys = tenants.filter(({ providerKeys }) => Object.keys(providerKeys).length > 0);
    return pMap(withKeys, (tenant) => this.#reap(tenant, options), { concurrency: CONCURRENCY });
  }

  /** A failure of one tenant must not keep the others from being reaped. */
  async #reap(tenant: TenantRecord, options: ReapOptions): Promise<ReapReport> {
    try {
      return await this.#atlases.of(tenant).reap(options);
    } catch (error) {
      if (!isAtlasError(error) || error.code === "STORE_UNAVAILABLE" || error.code === "VALIDATION")
        throw error;
      const reason = `tenant ${tenant.name}`;
      const failed = Object.keys(tenant.providerKeys).map((provider) => ({
        provider,
        reason,
        error: messageOf(error),
      }));
      return { terminated: [], settled: [], vanished: [], orphans: [], failed, remaining: false };
    }
  }
}

function toProblem(error: unknown): Response {
  if (!isAtlasError(error)) throw error;
  const problem = error.toProblem();
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/**
 * Creates the registry of tenants: services that share this control plane. Each tenant spawns on its own provider keys, and can neither see
 * nor end the computes of another.
 *
 * @throws VALIDATION naming each option that is wrong
 * @throws KEY_UNAVAILABLE without an encryption key of exactly 32 bytes
 *
 * @example
 * ```ts
 * import { createTenants } from "atlas-compute/tenants";
 * import { runpod } from "atlas-compute/runpod";
 * import { sqliteStore } from "atlas-compute/sqlite";
 *
 * const tenants = createTenants({
 *   store: sqliteStore("./atlas.db"),
 *   providers: { runpod: (apiKey) => runpod({ apiKey }) },
 * });
 * const { tenant, credential } = await tenants.create("acme", { providerKeys: { runpod: "the key that acme gave us" } });
 * const atlas = await tenants.atlasFor(tenant);
 * ```
 */
export function createTenants(options: TenantsOptions): Tenants {
  return new Tenants(toSettings(options));
}
