/** Clients in memory. */
import type { ClientRecord } from "../../tenant-store.ts";

/** The clients of every namespace. They are never handed out and never changed, only replaced. */
export class MemoryClients {
  readonly #clients = new Map<string, ClientRecord>();

  get(namespace: string, id: string): ClientRecord | undefined {
    return this.#clients.get(keyOf({ namespace, id }));
  }

  find(namespace: string, isWanted: (client: ClientRecord) => boolean): ClientRecord | undefined {
    return this.list(namespace).find(isWanted);
  }

  /** By name. */
  list(namespace: string): ClientRecord[] {
    return [...this.#clients.values()]
      .filter((client) => client.namespace === namespace)
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  put(client: ClientRecord): void {
    this.#clients.set(keyOf(client), client);
  }
}

function keyOf({ namespace, id }: Pick<ClientRecord, "namespace" | "id">): string {
  return JSON.stringify([namespace, id]);
}
