/**
 * The contract of a store that also remembers the clients of a shared control plane: services that spawn on provider keys of their own.
 * The comments are the laws; `clientStoreLaws` holds every store to them. As in a store of computes, every method is atomic, and failures of the
 * database are `STORE_UNAVAILABLE`.
 */

/** A credential of a client, by its hash; the credential itself is stored nowhere. */
export interface ClientCredential {
  /** SHA-256 of the credential, lowercase hex. */
  readonly hash: string;
  /** When it stops being accepted; null until it is rotated or revoked. */
  readonly expiresAt: Date | null;
}

/** Everything that is remembered of one client. Times are the store's. */
export interface ClientRecord {
  /** A letter and 19 more of `0-9a-z`. Its computes are recorded in the namespace of that name. */
  readonly id: string;
  /** The namespace of the registry, not of the client's computes. */
  readonly namespace: string;
  /** What people call it; one of a kind in the registry. */
  readonly name: string;
  /** Rises by one with every change. */
  readonly version: number;
  readonly credentials: readonly ClientCredential[];
  /** The client's own provider keys by provider, each sealed (`enc:v1:`) for the row `<id>/<provider>`. */
  readonly providerKeys: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** A client, and the store's time at which it was read. */
export interface ClientSnapshot {
  readonly client: ClientRecord;
  readonly now: Date;
}

/** What a store of clients does. */
export interface ClientStore {
  /** Adds a client. @returns false, with nothing written, when its id or its name is taken in its namespace. */
  insertClient(client: ClientRecord): Promise<boolean>;

  /** One client, or `undefined`. */
  getClient(namespace: string, id: string): Promise<ClientSnapshot | undefined>;

  /** The client of this name, or `undefined`. */
  getClientByName(namespace: string, name: string): Promise<ClientSnapshot | undefined>;

  /** The client that this credential belongs to now: not expired. */
  getClientByHash(namespace: string, hash: string): Promise<ClientSnapshot | undefined>;

  /** Replaces the client whose stored version is `client.version - 1`. @returns false, with nothing written, when there is no such one. */
  replaceClient(client: ClientRecord): Promise<boolean>;

  /** Every client of the namespace, in the order of their names' characters. */
  listClients(namespace: string): Promise<readonly ClientRecord[]>;

  /**
   * The namespace, whichever it is, in which a compute has a token with this hash; expired or not, of its user or of its pod. Where to look a token
   * up, and no proof of anything.
   */
  namespaceOfToken(hash: string): Promise<string | undefined>;
}
