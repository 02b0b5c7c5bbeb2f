/** The tenants of a shared control plane. */
import pMap from "p-map";
import type { Atlas } from "../atlas.ts";
import { hashToken, isToken } from "../auth/token.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
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
import { type TenantsOptions, type TenantsSettings, toSettings } from "./options.ts";
import { OwnAtlas } from "./own-atlas.ts";
import { setProviderKey } from "./provider-keys.ts";
import { listTenants, type Tenant, toTenant, unknownTenant } from "./registry.ts";

const CONCURRENCY = 8;

/** A Fetch handler. */
export type Handler = (request: Request) => Promise<Response>;

/** The tenants; made by {@link createTenants}. */
export class Tenants implements AsyncDisposable {
  /**
   * The application's own Atlas, on `ownProviders`. It sees none of the tenants' computes, but its `findByToken`, `reap` and `startReaper` work for
   * all tenants too: they are what `/internal` of a control plane needs.
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

  /** Registers a tenant and tells its credential, once. @throws VALIDATION, CONFLICT when the name is taken */
  create(name: string, options: CreateTenantOptions = {}): Promise<NewCredential> {
    return createTenant(this.#settings.registry, name, options);
  }

  /** Every tenant, by name. */
  list(): Promise<readonly Tenant[]> {
    return listTenants(this.#settings.registry);
  }

  /** A new credential, told once; the old ones stay valid for the overlap. Lets a revoked tenant in again. @throws NOT_FOUND, VALIDATION */
  rotate(name: string, options: RotateTenantOptions = {}): Promise<NewCredential> {
    return rotateCredential(this.#settings.registry, name, options);
  }

  /** Takes back every credential of a tenant. What it runs goes on, and is reaped, until somebody ends it. @throws NOT_FOUND */
  revoke(name: string): Promise<Tenant> {
    return revokeCredentials(this.#settings.registry, name);
  }

  /**
   * Sets, or exchanges, a tenant's own key for a provider. The new key has to be of the same account: what runs in another one is not found with it.
   * @throws NOT_FOUND, VALIDATION
   */
  setProviderKey(name: string, provider: string, key: string): Promise<Tenant> {
    return setProviderKey(this.#settings.registry, name, provider, key);
  }

  /**
   * The tenant that a request comes from, by its `Authorization: Bearer`; `null` for everybody else where `mode` is `"recognise"`.
   * @throws UNAUTHORIZED for everybody else where it is `"strict"`
   * @throws STORE_UNAVAILABLE when nobody can say
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
   * The Atlas of a tenant: on its own provider keys, and blind to everything that is not its own.
   * @throws NOT_FOUND
   * @throws KEY_UNAVAILABLE when it has no provider key, or one that does not decrypt. There is no other key to fall back to.
   */
  async atlasFor({ id }: Pick<Tenant, "id">): Promise<Atlas> {
    const { store, namespace } = this.#settings.registry;
    const found = await store.getTenant(namespace, id);
    if (found === undefined) throw unknownTenant(id);
    return this.#atlases.of(found.tenant);
  }

  /**
   * A handler that passes each request on to the handler of whom it concerns: of a tenant, when it comes with the tenant's credential or with the token
   * of one of its computes; else the application's own. `make` is called once for each of them. That a request arrives there proves nothing: what may be
   * done is up to the credential, which `authenticate` and the control plane check.
   */
  handler(make: (atlas: Atlas) => Handler): Handler {
    const own = make(this.atlas);
    const made = new WeakMap<Atlas, Handler>([[this.atlas, own]]);
    return async (request) => {
      const atlas = await this.#atlasOf(bearerOf(request)).catch(toProblem);
      if (atlas instanceof Response) return atlas;
      const handler = made.get(atlas) ?? make(atlas);
      made.set(atlas, handler);
      return handler(request);
    };
  }

  /** Lets go of connections and timers, and closes the store. Ends no compute. */
  async close(): Promise<void> {
    await this.#atlases.close();
    await this.atlas.close();
  }

  /** The same as {@link Tenants.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The Atlas that a bearer token concerns. */
  async #atlasOf(bearer: string | undefined): Promise<Atlas> {
    const tenant =
      (await recognise(this.#settings.registry, bearer))?.tenant ?? (await this.#holderOf(bearer));
    return tenant === undefined ? this.atlas : this.#atlases.of(tenant);
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

  /** What is wrong with one tenant must not keep the others from being reaped. */
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
 * Makes the registry of tenants: other services that share this control plane, each of which spawns on provider keys of its own and can neither see
 * nor end what another has.
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
