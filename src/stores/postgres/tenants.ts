/** The calls about clients, each with its statement. */
import type { ClientRecord, ClientSnapshot, ClientStore } from "../../tenant-store.ts";
import { clientColumns, clientValues, type Row, toClient, toDate, type Values } from "../sql/columns.ts";
import { belongsTo } from "../sql/rules.ts";
import { millisecondsSql, nowSql, type PostgresDatabase, selectSql, valueSql } from "./database.ts";

const columns = Object.values(clientColumns);
const columnsSql = columns.map(({ name }) => name).join(", ");
const valuesSql = columns.map(valueSql).join(", ");
const snapshotSql = `${selectSql(clientColumns, "c")}, ${millisecondsSql(nowSql)} as now`;

/** The clients in this database. */
export function postgresClients(database: PostgresDatabase): ClientStore {
  const { tokens } = database.names;
  return {
    insertClient: (client) => insertClient(database, client),
    getClient: (namespace, id) => find(database, "c.id = :id", { namespace, id }),
    getClientByName: (namespace, name) => find(database, "c.name = :name", { namespace, name }),
    getClientByHash: (namespace, hash) => getClientByHash(database, namespace, hash),
    replaceClient: (client) => replaceClient(database, client),
    listClients: (namespace) => listClients(database, namespace),
    namespaceOfToken: async (hash) => {
      const sql = `select namespace from ${tokens} where hash = :hash limit 1`;
      const row = await database.first("look up a token", sql, { hash });
      return row && String(row.namespace);
    },
  };
}

function insertClient(database: PostgresDatabase, client: ClientRecord): Promise<boolean> {
  return write(
    database,
    client,
    `insert into ${database.names.clients} (${columnsSql}) values (${valuesSql})
     on conflict do nothing
     returning namespace, id`,
  );
}

function replaceClient(database: PostgresDatabase, client: ClientRecord): Promise<boolean> {
  return write(
    database,
    client,
    `update ${database.names.clients} set (${columnsSql}) = row (${valuesSql})
     where namespace = :namespace and id = :id and version = :version::integer - 1
     returning namespace, id`,
  );
}

/** Writes a client, and makes the table by which a credential finds it say what the record says. */
async function write(database: PostgresDatabase, client: ClientRecord, sql: string): Promise<boolean> {
  const { credentials } = database.names;
  const row = await database.first(
    "record a client",
    `with written as (${sql}),
    accepted as (
      select distinct value ->> 'hash' as hash from json_array_elements(:credentials::json)
    ),
    dropped as (
      delete from ${credentials} k using written w
      where k.namespace = w.namespace and k.client_id = w.id
        and not exists (select from accepted a where a.hash = k.hash)
    ),
    added as (
      insert into ${credentials} (namespace, hash, client_id)
      select w.namespace, a.hash, w.id from written w cross join accepted a
      on conflict do nothing
    )
    select count(*)::text as written from written`,
    clientValues(client),
  );
  return row?.written === "1";
}

async function find(
  database: PostgresDatabase,
  condition: string,
  values: Values,
): Promise<ClientSnapshot | undefined> {
  const { clients } = database.names;
  const sql = `select ${snapshotSql} from ${clients} c where c.namespace = :namespace and ${condition}`;
  const row = await database.first("read a client", sql, values);
  return row && toSnapshot(row);
}

async function getClientByHash(
  database: PostgresDatabase,
  namespace: string,
  hash: string,
): Promise<ClientSnapshot | undefined> {
  const { clients, credentials } = database.names;
  const rows = await database.query(
    "look up a client's credential",
    `select ${snapshotSql}
     from ${credentials} k join ${clients} c on c.namespace = k.namespace and c.id = k.client_id
     where k.namespace = :namespace and k.hash = :hash`,
    { namespace, hash },
  );
  return rows.map(toSnapshot).find(({ client, now }) => belongsTo(client, hash, now));
}

async function listClients(database: PostgresDatabase, namespace: string): Promise<readonly ClientRecord[]> {
  const rows = await database.query(
    "list clients",
    `select ${selectSql(clientColumns, "c")} from ${database.names.clients} c
     where c.namespace = :namespace order by c.name`,
    { namespace },
  );
  return rows.map(toClient);
}

/** The snapshot in a row that selected {@link snapshotSql}. */
function toSnapshot(row: Row): ClientSnapshot {
  return { client: toClient(row), now: toDate(row.now) };
}
