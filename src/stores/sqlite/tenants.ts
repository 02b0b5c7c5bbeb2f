/** The calls of a store of tenants, each with its statement. */
import type { TenantRecord, TenantSnapshot, TenantStore } from "../../tenant-store.ts";
import { type Row, tenantColumns, tenantValues, toTenant } from "../sql/columns.ts";
import { belongsTo } from "../sql/rules.ts";
import type { SqliteDatabase } from "./database.ts";

const columns: readonly string[] = Object.values(tenantColumns).map(({ name }) => name);

/** The tenants in this database. */
export function sqliteTenants(database: SqliteDatabase): TenantStore {
  const { tokens } = database.names;
  return {
    insertTenant: (tenant) => insertTenant(database, tenant),
    getTenant: (namespace, id) => find(database, "id = :id", { namespace, id }),
    getTenantByName: (namespace, name) => find(database, "name = :name", { namespace, name }),
    getTenantByHash: (namespace, hash) => getTenantByHash(database, namespace, hash),
    replaceTenant: (tenant) => replaceTenant(database, tenant),
    listTenants: (namespace) => listTenants(database, namespace),
    namespaceOfToken: async (hash) => {
      const row = await database.run("look up a token", () =>
        database.first(`select namespace from ${tokens} where hash = :hash limit 1`, { hash }),
      );
      return row && String(row.namespace);
    },
  };
}

async function insertTenant(database: SqliteDatabase, tenant: TenantRecord): Promise<boolean> {
  const { tenants } = database.names;
  return database.transaction("record a tenant", () => {
    const added = database.change(
      `insert into ${tenants} (${columns.join(", ")}) values (${columns.map((column) => `:${column}`).join(", ")})
       on conflict do nothing`,
      tenantValues(tenant),
    );
    if (added > 0) keepCredentials(database, tenant);
    return added > 0;
  });
}

async function replaceTenant(database: SqliteDatabase, tenant: TenantRecord): Promise<boolean> {
  const { tenants } = database.names;
  return database.transaction("change a tenant", () => {
    const changed = database.change(
      `update ${tenants} set ${columns.map((column) => `${column} = :${column}`).join(", ")}
       where namespace = :namespace and id = :id and version = :version - 1`,
      tenantValues(tenant),
    );
    if (changed > 0) keepCredentials(database, tenant);
    return changed > 0;
  });
}

async function find(
  database: SqliteDatabase,
  condition: string,
  values: Readonly<Record<string, string>>,
): Promise<TenantSnapshot | undefined> {
  const { tenants } = database.names;
  const row = await database.run("read a tenant", () =>
    database.first(`select * from ${tenants} where namespace = :namespace and ${condition}`, values),
  );
  return row && toSnapshot(database, row);
}

async function getTenantByHash(
  database: SqliteDatabase,
  namespace: string,
  hash: string,
): Promise<TenantSnapshot | undefined> {
  const { tenants, credentials } = database.names;
  const rows = await database.run("look up a tenant's credential", () =>
    database.all(
      `select t.* from ${credentials} k join ${tenants} t on t.namespace = k.namespace and t.id = k.tenant_id
       where k.namespace = :namespace and k.hash = :hash`,
      { namespace, hash },
    ),
  );
  return rows.map((row) => toSnapshot(database, row)).find(({ tenant, now }) => belongsTo(tenant, hash, now));
}

async function listTenants(database: SqliteDatabase, namespace: string): Promise<readonly TenantRecord[]> {
  const { tenants } = database.names;
  const rows = await database.run("list tenants", () =>
    database.all(`select * from ${tenants} where namespace = :namespace order by name`, { namespace }),
  );
  return rows.map((row) => toTenant(row));
}

/** Copies a tenant's credentials into the table by which a credential finds its tenant. */
function keepCredentials(database: SqliteDatabase, { namespace, id, credentials }: TenantRecord): void {
  const { credentials: table } = database.names;
  const values = { namespace, id, hashes: JSON.stringify(credentials.map(({ hash }) => hash)) };
  database.change(
    `delete from ${table} where namespace = :namespace and tenant_id = :id
       and hash not in (select value from json_each(:hashes))`,
    values,
  );
  database.change(
    `insert into ${table} (namespace, hash, tenant_id)
     select :namespace, value, :id from json_each(:hashes) where true
     on conflict do nothing`,
    values,
  );
}

function toSnapshot(database: SqliteDatabase, row: Row): TenantSnapshot {
  return { tenant: toTenant(row), now: database.now() };
}
