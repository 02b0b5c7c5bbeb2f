/** An Atlas for each client: on its own provider keys, in a namespace of its own. */
import { Atlas } from "../atlas.ts";
import type { ClientRecord } from "../tenant-store.ts";
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { ClientsSettings } from "./options.ts";
import { ownStore } from "./own-store.ts";
import { openProviderKey } from "./provider-keys.ts";

/**
 * Makes and keeps them. A client's computes, their names at the provider, their tokens, idempotency keys, events and limits all belong to the
 * namespace that is called like the client's id, so that no call of one client can name what another has.
 */
export class ClientAtlases {
  readonly #settings: ClientsSettings;
  readonly #made = new Map<string, { readonly atlas: Atlas; readonly keys: string }>();

  constructor(settings: ClientsSettings) {
    this.#settings = settings;
  }

  /** The same Atlas as before, unless a key was exchanged. @throws KEY_UNAVAILABLE */
  of(client: ClientRecord): Atlas {
    const keys = JSON.stringify(client.providerKeys);
    const known = this.#made.get(client.id);
    if (known?.keys === keys) return known.atlas;
    const { own } = this.#settings;
    const store = ownStore(own.store, client.id);
    const atlas = new Atlas({ ...own, namespace: client.id, store, providers: this.#providersOf(client) });
    this.#made.set(client.id, { atlas, keys });
    return atlas;
  }

  /** Lets go of what their providers hold. */
  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map(({ atlas }) => atlas.close()));
  }

  #providersOf({ id, name, providerKeys }: ClientRecord): readonly Provider[] {
    const { factories, registry } = this.#settings;
    const providers = Object.entries(factories).flatMap(([provider, make]) => {
      const sealed = providerKeys[provider];
      return sealed === undefined ? [] : [make(openProviderKey(registry, { id, provider, sealed }))];
    });
    if (providers.length > 0) return providers;
    const known = Object.keys(factories).join(", ");
    throw new AtlasError("KEY_UNAVAILABLE", `client ${name} has no key for any of ${known}: set one first`);
  }
}
