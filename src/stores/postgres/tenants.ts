/** The calls of a store of tenants, each with its statement. */
import type { TenantRecord, TenantSnapshot, TenantStore } from "../../tenant-store.ts";
import { type Row, tenantColumns, tenantValues, type Values } from "../sql/columns.ts";
import { belongsTo } from "../sql/rules.ts";
import { type PostgresDatabase, valueSql } from "./database.ts";
import { ownedSql, requireOwnership } from "./ownership.ts";
import { nowColumnSql, readNow, readTenant, rowSql } from "./rows.ts";

const columns = Object.values(tenantColumns);
const columnsSql = columns.map(({ name }) => name).join(", ");
const valuesSql = columns.map(valueSql).join(", ");
const snapshotSql = `${rowSql("t")}, ${nowColumnSql}`;

/** The tenants in this database. */
export function postgresTenants(database: PostgresDatabase): TenantStore {
  const { tokens } = database.names;
  return {
    insertTenant: (tenant) => insertTenant(database, tenant),
    getTenant: (namespace, id) => find(database, "t.id = :id", { namespace, id }),
    getTenantByName: (namespace, name) => find(database, "t.name = :name", { namespace, name }),
    getTenantByHash: (namespace, hash) => getTenantByHash(database, namespace, hash),
    replaceTenant: (tenant) => replaceTenant(database, tenant),
    listTenants: (namespace) => listTenants(database, namespace),
    namespaceOfToken: async (hash) => {
      const sql = `select namespace from ${tokens} where hash = :hash limit 1`;
      const row = await database.first("look up a token", sql, { hash });
      return row && String(row.namespace);
    },
  };
}

function insertTenant(database: PostgresDatabase, tenant: TenantRecord): Promise<boolean> {
  return write(
    database,
    tenant,
    `insert into ${database.names.tenants} (${columnsSql}) select ${valuesSql} where ${ownedSql(database)}
     on conflict do nothing
     returning namespace, id`,
  );
}

function replaceTenant(database: PostgresDatabase, tenant: TenantRecord): Promise<boolean> {
  return write(
    database,
    tenant,
    `update ${database.names.tenants} set (${columnsSql}) = row (${valuesSql})
     where namespace = :namespace and id = :id and version = :version::integer - 1
       and ${ownedSql(database)}
     returning namespace, id`,
  );
}

/** Writes a tenant, and its credentials into the table by which a credential finds its tenant. */
async function write(database: PostgresDatabase, tenant: TenantRecord, sql: string): Promise<boolean> {
  const { credentials } = database.names;
  const row = await database.first(
    "record a tenant",
    `with written as (${sql}),
    accepted as (
      select distinct value ->> 'hash' as hash from json_array_elements(:credentials::json)
    ),
    dropped as (
      delete from ${credentials} k using written w
      where k.namespace = w.namespace and k.tenant_id = w.id
        and not exists (select from accepted a where a.hash = k.hash)
    ),
    added as (
      insert into ${credentials} (namespace, hash, tenant_id)
      select w.namespace, a.hash, w.id from written w cross join accepted a
      on conflict do nothing
    )
    select count(*)::text as written from written`,
    tenantValues(tenant),
  );
  if (row?.written === "1") return true;
  await requireOwnership(database);
  return false;
}

async function find(
  database: PostgresDatabase,
  condition: string,
  values: Values,
): Promise<TenantSnapshot | undefined> {
  const { tenants } = database.names;
  const sql = `select ${snapshotSql} from ${tenants} t where t.namespace = :namespace and ${condition}`;
  const row = await database.first("read a tenant", sql, values);
  return row && toSnapshot(row);
}

async function getTenantByHash(
  database: PostgresDatabase,
  namespace: string,
  hash: string,
): Promise<TenantSnapshot | undefined> {
  const { tenants, credentials } = database.names;
  const rows = await database.query(
    "look up a tenant's credential",
    `select ${snapshotSql}
     from ${credentials} k join ${tenants} t on t.namespace = k.namespace and t.id = k.tenant_id
     where k.namespace = :namespace and k.hash = :hash`,
    { namespace, hash },
  );
  return rows.map(toSnapshot).find(({ tenant, now }) => belongsTo(tenant, hash, now));
}

async function listTenants(database: PostgresDatabase, namespace: string): Promise<readonly TenantRecord[]> {
  const rows = await database.query(
    "list tenants",
    `select ${rowSql("t")} from ${database.names.tenants} t
     where t.namespace = :namespace order by t.name`,
    { namespace },
  );
  return rows.map(readTenant);
}

/** Reads a snapshot from a row that selected {@link snapshotSql}. */
function toSnapshot(row: Row): TenantSnapshot {
  return { tenant: readTenant(row), now: readNow(row) };
}
