/** The calls that write, each with its statements. */
import {
  type Claim,
  type ComputeRecord,
  checkLimits,
  isMonthLimited,
  type Limits,
  type MonthCosts,
  type NewEvent,
  type Replacing,
  type Snapshot,
  slotKeyOf,
  slotTaken,
  type Usage,
} from "../../store.ts";
import {
  changedFields,
  changedValues,
  columnsOf,
  newEventValues,
  recordColumns,
  recordValues,
  toRecord,
} from "../sql/columns.ts";
import { isLimited, longestDueFirst, taken } from "../sql/rules.ts";
import { isLiveSql } from "../sql/statements.ts";
import type { SqliteDatabase } from "./database.ts";
import { monthCosts, settle } from "./ledger.ts";
import { refuseStranger, stamp } from "./ownership.ts";
import { holderOfSlot } from "./read.ts";

const columns: readonly string[] = Object.values(recordColumns).map(({ name }) => name);

/** See `Store.insert`. */
export function insert(
  database: SqliteDatabase,
  record: ComputeRecord,
  event: NewEvent,
  limits: Limits,
): Promise<ComputeRecord | undefined> {
  const { computes } = database.names;
  return database.transaction("record a compute", () => {
    const { namespace, id, name, idempotencyKey } = record;
    const existing = database.first(
      `select * from ${computes} where namespace = :namespace and idempotency_key = :key`,
      { namespace, key: idempotencyKey },
    );
    if (existing !== undefined) return toRecord(existing);
    refuseStranger(database);
    refuseTakenSlot(database, record);
    if (isLimited(limits)) checkLimits(record, usageBeside(database, record, limits), limits);
    const clash = database.first(
      `select 1 from ${computes} where namespace = :namespace and (id = :id or name = :name)`,
      { namespace, id, name },
    );
    if (clash !== undefined) throw taken(record);
    database.change(
      `insert into ${computes} (${columns.join(", ")}) values (${columns.map((column) => `:${column}`).join(", ")})`,
      recordValues(record),
    );
    keepTokens(database, record);
    addEvent(database, record, event);
    stamp(database);
    return undefined;
  });
}

/** See `Store.replace`. */
export function replace(
  database: SqliteDatabase,
  record: ComputeRecord,
  event: NewEvent | undefined,
  { limits = {}, before, spent = [] }: Replacing = {},
): Promise<boolean> {
  const changed = changedFields(record, before);
  return database.transaction("change a compute", () => {
    refuseStranger(database);
    if (!isPrevious(database, record)) return false;
    refuseTakenSlot(database, record);
    if (isLimited(limits)) checkLimits(record, usageBeside(database, record, limits), limits);
    database.change(
      `update ${database.names.computes} set ${columnsOf(changed)
        .map(({ name }) => `${name} = :${name}`)
        .join(", ")}
       where namespace = :namespace and id = :id`,
      changedValues(record, changed),
    );
    if (changed.tokens !== undefined) keepTokens(database, record);
    if (event !== undefined) addEvent(database, record, event);
    settle(database, record, spent);
    return true;
  });
}

function isPrevious(database: SqliteDatabase, { namespace, id, version }: ComputeRecord): boolean {
  const stored = database.first(
    `select 1 from ${database.names.computes} where namespace = :namespace and id = :id and version = :version`,
    { namespace, id, version: version - 1 },
  );
  return stored !== undefined;
}

/** See `Store.claimDue`. */
export async function claimDue(database: SqliteDatabase, claim: Claim): Promise<readonly Snapshot[]> {
  const { computes } = database.names;
  const now = database.now();
  const rows = await database.transaction("claim what is due", () => {
    refuseStranger(database);
    return database.all(
      `update ${computes} set lease = :lease, lease_until = :lease_until, version = version + 1
       where rowid in (
         select rowid from ${computes}
         where namespace = :namespace and due_at <= :now and (lease_until is null or lease_until <= :now)
         order by due_at
         limit :limit
       )
       returning *`,
      {
        namespace: claim.namespace,
        lease: claim.lease,
        lease_until: new Date(now.getTime() + claim.leaseSeconds * 1000),
        now,
        limit: claim.limit,
      },
    );
  });
  return rows.map((row) => ({ record: toRecord(row), now })).sort(longestDueFirst);
}

/** See `Store.identity`. */
export function identity(database: SqliteDatabase): Promise<string> {
  const { settings } = database.names;
  return database.transaction("read its identity", () => {
    database.change(
      `insert into ${settings} (name, value) values ('identity', :value) on conflict do nothing`,
      { value: crypto.randomUUID() },
    );
    return String(database.first(`select value from ${settings} where name = 'identity'`)?.value);
  });
}

/** @throws CONFLICT when another live compute holds the record's slot */
function refuseTakenSlot(database: SqliteDatabase, record: ComputeRecord): void {
  const key = slotKeyOf(record);
  const holder = key && holderOfSlot(database, key);
  if (holder !== undefined && holder.id !== record.id) throw slotTaken(record, String(holder.id));
}

const NO_MONTH: MonthCosts = { monthCost: 0, userMonthCost: 0 };

function usageBeside(database: SqliteDatabase, record: ComputeRecord, limits: Limits): Usage {
  const { namespace, id, userId } = record;
  const row = database.first(
    `select
       count(*) as computes,
       coalesce(sum(cost_per_hour), 0) as cost_per_hour,
       count(*) filter (where user_id = :user_id) as user_computes,
       coalesce(sum(cost_per_hour) filter (where user_id = :user_id), 0) as user_cost_per_hour
     from ${database.names.computes}
     where namespace = :namespace and id <> :id and ${isLiveSql}`,
    { namespace, id, user_id: userId },
  );
  return {
    computes: Number(row?.computes),
    costPerHour: Number(row?.cost_per_hour),
    userComputes: Number(row?.user_computes),
    userCostPerHour: Number(row?.user_cost_per_hour),
    ...(isMonthLimited(limits) ? monthCosts(database, record) : NO_MONTH),
  };
}

/** Copies a record's tokens into the table by which a token finds its compute. */
function keepTokens(database: SqliteDatabase, record: ComputeRecord): void {
  const { tokens } = database.names;
  const values = { namespace: record.namespace, id: record.id, tokens: JSON.stringify(record.tokens) };
  database.change(
    `delete from ${tokens} where namespace = :namespace and compute_id = :id and (hash, kind) not in
       (select value ->> 'hash', value ->> 'kind' from json_each(:tokens))`,
    values,
  );
  database.change(
    `insert into ${tokens} (namespace, hash, kind, compute_id)
     select :namespace, value ->> 'hash', value ->> 'kind', :id from json_each(:tokens) where true
     on conflict do nothing`,
    values,
  );
}

function addEvent(database: SqliteDatabase, { namespace, id }: ComputeRecord, event: NewEvent): void {
  const values = { namespace, compute_id: id, at: database.now(), ...newEventValues(event) };
  const names = Object.keys(values);
  database.change(
    `insert into ${database.names.events} (${names.join(", ")}) values (${names.map((name) => `:${name}`).join(", ")})`,
    values,
  );
}
