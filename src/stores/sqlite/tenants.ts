/** The calls about clients, each with its statement. */
import type { ClientRecord, ClientSnapshot, ClientStore } from "../../tenant-store.ts";
import { clientColumns, clientValues, type Row, toClient } from "../sql/columns.ts";
import { belongsTo } from "../sql/rules.ts";
import type { SqliteDatabase } from "./database.ts";

const columns: readonly string[] = Object.values(clientColumns).map(({ name }) => name);

/** The clients in this database. */
export function sqliteClients(database: SqliteDatabase): ClientStore {
  const { tokens } = database.names;
  return {
    insertClient: (client) => insertClient(database, client),
    getClient: (namespace, id) => find(database, "id = :id", { namespace, id }),
    getClientByName: (namespace, name) => find(database, "name = :name", { namespace, name }),
    getClientByHash: (namespace, hash) => getClientByHash(database, namespace, hash),
    replaceClient: (client) => replaceClient(database, client),
    listClients: (namespace) => listClients(database, namespace),
    namespaceOfToken: async (hash) => {
      const row = await database.run("look up a token", () =>
        database.first(`select namespace from ${tokens} where hash = :hash limit 1`, { hash }),
      );
      return row && String(row.namespace);
    },
  };
}

async function insertClient(database: SqliteDatabase, client: ClientRecord): Promise<boolean> {
  const { clients } = database.names;
  return database.transaction("record a client", () => {
    const added = database.change(
      `insert into ${clients} (${columns.join(", ")}) values (${columns.map((column) => `:${column}`).join(", ")})
       on conflict do nothing`,
      clientValues(client),
    );
    if (added > 0) keepCredentials(database, client);
    return added > 0;
  });
}

async function replaceClient(database: SqliteDatabase, client: ClientRecord): Promise<boolean> {
  const { clients } = database.names;
  return database.transaction("change a client", () => {
    const changed = database.change(
      `update ${clients} set ${columns.map((column) => `${column} = :${column}`).join(", ")}
       where namespace = :namespace and id = :id and version = :version - 1`,
      clientValues(client),
    );
    if (changed > 0) keepCredentials(database, client);
    return changed > 0;
  });
}

async function find(
  database: SqliteDatabase,
  condition: string,
  values: Readonly<Record<string, string>>,
): Promise<ClientSnapshot | undefined> {
  const { clients } = database.names;
  const row = await database.run("read a client", () =>
    database.first(`select * from ${clients} where namespace = :namespace and ${condition}`, values),
  );
  return row && toSnapshot(database, row);
}

async function getClientByHash(
  database: SqliteDatabase,
  namespace: string,
  hash: string,
): Promise<ClientSnapshot | undefined> {
  const { clients, credentials } = database.names;
  const rows = await database.run("look up a client's credential", () =>
    database.all(
      `select c.* from ${credentials} k join ${clients} c on c.namespace = k.namespace and c.id = k.client_id
       where k.namespace = :namespace and k.hash = :hash`,
      { namespace, hash },
    ),
  );
  return rows.map((row) => toSnapshot(database, row)).find(({ client, now }) => belongsTo(client, hash, now));
}

async function listClients(database: SqliteDatabase, namespace: string): Promise<readonly ClientRecord[]> {
  const { clients } = database.names;
  const rows = await database.run("list clients", () =>
    database.all(`select * from ${clients} where namespace = :namespace order by name`, { namespace }),
  );
  return rows.map(toClient);
}

/** Makes the table by which a credential finds its client say what the record says. */
function keepCredentials(database: SqliteDatabase, { namespace, id, credentials }: ClientRecord): void {
  const { credentials: table } = database.names;
  const values = { namespace, id, hashes: JSON.stringify(credentials.map(({ hash }) => hash)) };
  database.change(
    `delete from ${table} where namespace = :namespace and client_id = :id
       and hash not in (select value from json_each(:hashes))`,
    values,
  );
  database.change(
    `insert into ${table} (namespace, hash, client_id)
     select :namespace, value, :id from json_each(:hashes) where true
     on conflict do nothing`,
    values,
  );
}

function toSnapshot(database: SqliteDatabase, row: Row): ClientSnapshot {
  return { client: toClient(row), now: database.now() };
}
