/** Who the clients are: finding, showing and changing them. */
import type { KeyObject } from "node:crypto";
import type { ClientRecord, ClientSnapshot, ClientStore } from "../tenant-store.ts";
import { AtlasError } from "../errors.ts";
import type { Store } from "../store.ts";

/** Where clients are registered. */
export interface Registry {
  readonly store: Store & ClientStore;
  readonly namespace: string;
  /** What provider keys are sealed with. @throws KEY_UNAVAILABLE */
  readonly encryptionKey: () => KeyObject;
}

/** A client of a shared control plane. Holds no secret. */
export interface Client {
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

const MAXIMUM_TRIES = 50;

/** What may be shown of a client. */
export function toClient({ client, now }: ClientSnapshot): Client {
  const { id, name, createdAt, lastUsedAt } = client;
  const credentials = validCredentials(client, now).length;
  return { id, name, credentials, providers: Object.keys(client.providerKeys), createdAt, lastUsedAt };
}

/** The credentials that it can present at that time. */
export function validCredentials(client: ClientRecord, now: Date): ClientRecord["credentials"] {
  return client.credentials.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/** Every client, by name. */
export async function listClients({ store, namespace }: Registry): Promise<readonly Client[]> {
  const clients = await store.listClients(namespace);
  const now = await store.now();
  return clients.map((client) => toClient({ client, now }));
}

/** Changes a client; `decide` is asked again when somebody else changed it meanwhile. @throws NOT_FOUND */
export async function changeClient(
  { store, namespace }: Registry,
  name: string,
  decide: (client: ClientRecord, now: Date) => Partial<Pick<ClientRecord, "credentials" | "providerKeys">>,
): Promise<Client> {
  for (let tries = 0; tries < MAXIMUM_TRIES; tries += 1) {
    const found = await store.getClientByName(namespace, name);
    if (found === undefined) throw unknownClient(name);
    const { client, now } = found;
    const next = { ...client, ...decide(client, now), version: client.version + 1 };
    if (await store.replaceClient(next)) return toClient({ client: next, now });
  }
  throw new AtlasError("CONFLICT", `client ${name} is being changed by too many callers at once; try again`, {
    retryable: true,
  });
}

/** The error for a name or an id that no client has. */
export function unknownClient(name: string): AtlasError {
  return new AtlasError("NOT_FOUND", `there is no client ${JSON.stringify(String(name).slice(0, 64))}`);
}
