/** The clients of a shared control plane. */
import pMap from "p-map";
import type { Atlas } from "../atlas.ts";
import { hashToken, isToken } from "../auth/token.ts";
import type { ClientRecord } from "../tenant-store.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
import { messageOf } from "../lifecycle/message.ts";
import type { ReapOptions, ReapReport } from "../lifecycle/reap/reap.ts";
import { ClientAtlases } from "./atlases.ts";
import {
  type CreateClientOptions,
  createClient,
  type NewCredential,
  type RotateClientOptions,
  recognise,
  revokeCredentials,
  rotateCredential,
} from "./credentials.ts";
import { type ClientsOptions, type ClientsSettings, toSettings } from "./options.ts";
import { OwnAtlas } from "./own-atlas.ts";
import { setProviderKey } from "./provider-keys.ts";
import { type Client, listClients, toClient, unknownClient } from "./registry.ts";

const CONCURRENCY = 8;

/** A Fetch handler. */
export type Handler = (request: Request) => Promise<Response>;

/** The clients; made by {@link createClients}. */
export class Clients implements AsyncDisposable {
  /**
   * The application's own Atlas, on `ownProviders`. It sees none of the clients' computes, but its `findByToken`, `reap` and `startReaper` work for
   * all clients too: they are what `/internal` of a control plane needs.
   */
  readonly atlas: Atlas;
  readonly #settings: ClientsSettings;
  readonly #atlases: ClientAtlases;

  /** @internal */
  constructor(settings: ClientsSettings) {
    this.#settings = settings;
    this.#atlases = new ClientAtlases(settings);
    this.atlas = new OwnAtlas(settings.own, {
      atlasForToken: (candidate) => this.#atlasForToken(candidate),
      reap: (options) => this.#reapAll(options),
    });
  }

  /** Registers a client and tells its credential, once. @throws VALIDATION, CONFLICT when the name is taken */
  create(name: string, options: CreateClientOptions = {}): Promise<NewCredential> {
    return createClient(this.#settings.registry, name, options);
  }

  /** Every client, by name. */
  list(): Promise<readonly Client[]> {
    return listClients(this.#settings.registry);
  }

  /** A new credential, told once; the old ones stay valid for the overlap. Lets a revoked client in again. @throws NOT_FOUND, VALIDATION */
  rotate(name: string, options: RotateClientOptions = {}): Promise<NewCredential> {
    return rotateCredential(this.#settings.registry, name, options);
  }

  /** Takes back every credential of a client. What it runs goes on, and is reaped, until somebody ends it. @throws NOT_FOUND */
  revoke(name: string): Promise<Client> {
    return revokeCredentials(this.#settings.registry, name);
  }

  /**
   * Sets, or exchanges, a client's own key for a provider. The new key has to be of the same account: what runs in another one is not found with it.
   * @throws NOT_FOUND, VALIDATION
   */
  setProviderKey(name: string, provider: string, key: string): Promise<Client> {
    return setProviderKey(this.#settings.registry, name, provider, key);
  }

  /**
   * The client that a request comes from, by its `Authorization: Bearer`; `null` for everybody else where `mode` is `"recognise"`.
   * @throws UNAUTHORIZED for everybody else where it is `"strict"`
   * @throws STORE_UNAVAILABLE when nobody can say
   */
  async authenticate(request: Request): Promise<Client | null> {
    const found = await recognise(this.#settings.registry, bearerOf(request));
    if (found !== undefined) return toClient(found);
    if (!this.#settings.isStrict) return null;
    throw new AtlasError(
      "UNAUTHORIZED",
      "The credential was rejected: present a client's credential as Authorization: Bearer.",
      { details: { credential: "client" } },
    );
  }

  /**
   * The Atlas of a client: on its own provider keys, and blind to everything that is not its own.
   * @throws NOT_FOUND
   * @throws KEY_UNAVAILABLE when it has no provider key, or one that does not decrypt. There is no other key to fall back to.
   */
  async atlasFor({ id }: Pick<Client, "id">): Promise<Atlas> {
    const { store, namespace } = this.#settings.registry;
    const found = await store.getClient(namespace, id);
    if (found === undefined) throw unknownClient(id);
    return this.#atlases.of(found.client);
  }

  /**
   * A handler that passes each request on to the handler of whom it concerns: of a client, when it comes with the client's credential or with the token
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

  /** The same as {@link Clients.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The Atlas that a bearer token concerns. */
  async #atlasOf(bearer: string | undefined): Promise<Atlas> {
    const client =
      (await recognise(this.#settings.registry, bearer))?.client ?? (await this.#holderOf(bearer));
    return client === undefined ? this.atlas : this.#atlases.of(client);
  }

  async #atlasForToken(candidate: unknown): Promise<Atlas | undefined> {
    const holder = await this.#holderOf(candidate);
    return holder && this.#atlases.of(holder);
  }

  async #holderOf(candidate: unknown): Promise<ClientRecord | undefined> {
    if (!isToken(candidate)) return undefined;
    const { store, namespace } = this.#settings.registry;
    const holder = await store.namespaceOfToken(hashToken(candidate));
    return holder === undefined ? undefined : (await store.getClient(namespace, holder))?.client;
  }

  async #reapAll(options: ReapOptions): Promise<readonly ReapReport[]> {
    const { store, namespace } = this.#settings.registry;
    const clients = await store.listClients(namespace);
    const withKeys = clients.filter(({ providerKeys }) => Object.keys(providerKeys).length > 0);
    return pMap(withKeys, (client) => this.#reap(client, options), { concurrency: CONCURRENCY });
  }

  /** What is wrong with one client must not keep the others from being reaped. */
  async #reap(client: ClientRecord, options: ReapOptions): Promise<ReapReport> {
    try {
      return await this.#atlases.of(client).reap(options);
    } catch (error) {
      if (!isAtlasError(error) || error.code === "STORE_UNAVAILABLE" || error.code === "VALIDATION")
        throw error;
      const reason = `client ${client.name}`;
      const failed = Object.keys(client.providerKeys).map((provider) => ({
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
 * Makes the registry of clients: other services that share this control plane, each of which spawns on provider keys of its own and can neither see
 * nor end what another has.
 *
 * @throws VALIDATION naming each option that is wrong
 * @throws KEY_UNAVAILABLE without an encryption key of exactly 32 bytes
 *
 * @example
 * ```ts
 * import { createClients } from "atlas-compute/clients";
 * import { runpod } from "atlas-compute/runpod";
 * import { sqliteStore } from "atlas-compute/sqlite";
 *
 * const clients = createClients({
 *   store: sqliteStore("./atlas.db"),
 *   providers: { runpod: (apiKey) => runpod({ apiKey }) },
 * });
 * const { client, credential } = await clients.create("acme", { providerKeys: { runpod: "the key that acme gave us" } });
 * const atlas = await clients.atlasFor(client);
 * ```
 */
export function createClients(options: ClientsOptions): Clients {
  return new Clients(toSettings(options));
}
