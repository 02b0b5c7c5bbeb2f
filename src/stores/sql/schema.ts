/** The schema, for every database that speaks SQL: one text, in which each database writes its own types. */

import type { Migration } from "./migration.ts";
import type { Names } from "./names.ts";

/** The types of one database, as its tables declare them. */
export interface SchemaTypes {
  /** Text that is sorted by its characters, whatever the language of the database. */
  readonly id: string;
  readonly time: string;
  readonly real: string;
  readonly json: string;
  /** The key of an event, which rises with every insert. */
  readonly eventId: string;
  /** The key of an event, as a column beside it. */
  readonly position: string;
  /** The UTC day of a column of times, as `2026-11-28`. */
  readonly dayOf: (column: string) => string;
  /** Options behind the columns of a table. */
  readonly table: string;
  /** Options behind the columns of a table in which the key is most of a row. */
  readonly keyedTable: string;
}

/** The names and types from which a part of the schema is written. */
interface Words {
  readonly names: Names;
  readonly types: SchemaTypes;
}

type Part = (words: Words) => string;

/** The further statements of a migration in one database only, by its number. */
export type OwnStatements = Readonly<Record<number, (names: Names) => string>>;

/** Every migration, oldest first. */
export function migrationsOf(types: SchemaTypes, own: OwnStatements = {}): readonly Migration[] {
  const write =
    (...parts: readonly Part[]): Migration["sql"] =>
    (names) =>
      parts.map((part) => part({ names, types })).join("");
  const steps: readonly { readonly name: string; readonly parts: readonly Part[] }[] = [
    { name: "computes and their events", parts: [computes, indexes, tokens, events, settings] },
    { name: "clients of a shared control plane", parts: [clients] },
    { name: "clients are called tenants", parts: [tenants] },
    { name: "slots, absences and the end of old records", parts: [slots] },
    { name: "looks, warnings and extensions", parts: [looks] },
    { name: "generations of signing secrets", parts: [generations] },
    { name: "notes that expire", parts: [notes] },
    { name: "the owner of a store, as a function", parts: [] },
    { name: "functions of frequent calls", parts: [] },
    { name: "a ledger of costs", parts: [ledger] },
    { name: "cursors of readers of all events", parts: [cursors] },
    { name: "messages that name a compute", parts: [] },
  ];
  return steps.map(({ name, parts }, index) => {
    const number = index + 1;
    return { number, name, sql: write(...parts, ({ names }) => own[number]?.(names) ?? "") };
  });
}

const computes: Part = ({ names, types }) => `
create table ${names.computes} (
  namespace text not null,
  id ${types.id} not null,
  name text not null,
  version integer not null,
  provider text not null,
  provider_id text,
  status text not null,
  reason text,
  user_id text,
  client_id text,
  gpu text,
  gpu_count integer not null,
  region text,
  ports ${types.json} not null,
  auth_schemes ${types.json} not null,
  tokens ${types.json} not null,
  metadata ${types.json} not null,
  idempotency_key text,
  request_hash text not null,
  cost_per_hour ${types.real},
  cost_before ${types.real} not null,
  cost_since ${types.time},
  idle_timeout_seconds ${types.real},
  max_lifetime_seconds ${types.real},
  created_at ${types.time} not null,
  updated_at ${types.time} not null,
  last_active_at ${types.time} not null,
  placed_at ${types.time},
  ended_at ${types.time},
  boot_deadline ${types.time},
  idle_deadline ${types.time},
  lifetime_deadline ${types.time},
  check_at ${types.time},
  due_at ${types.time},
  lease text,
  lease_until ${types.time},
  attempts integer not null,
  last_error text,
  reports ${types.json} not null,
  primary key (namespace, id),
  unique (namespace, name),
  unique (namespace, idempotency_key)
)${types.table};
`;

const indexes: Part = ({ names }) => `
create index ${names.own("computes_due")} on ${names.computes} (namespace, due_at) where due_at is not null;
create index ${names.own("computes_newest")} on ${names.computes} (namespace, created_at, id);
create index ${names.own("computes_user")} on ${names.computes} (namespace, user_id, created_at, id);
create index ${names.own("computes_live")} on ${names.computes} (namespace, user_id, cost_per_hour)
  where status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
`;

const tokens: Part = ({ names, types }) => `
create table ${names.tokens} (
  namespace text not null,
  hash text not null,
  kind text not null,
  compute_id ${types.id} not null,
  primary key (namespace, hash, kind, compute_id),
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
)${types.keyedTable};
create index ${names.own("tokens_compute")} on ${names.tokens} (namespace, compute_id);
`;

const events: Part = ({ names, types }) => `
create table ${names.events} (
  id ${types.eventId},
  namespace text not null,
  compute_id ${types.id} not null,
  at ${types.time} not null,
  type text not null,
  status text not null,
  reason text,
  cost_so_far ${types.real},
  data ${types.json} not null,
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
)${types.table};
create index ${names.own("events_namespace")} on ${names.events} (namespace, id);
create index ${names.own("events_compute")} on ${names.events} (namespace, compute_id, id);
`;

const settings: Part = ({ names, types }) => `
create table ${names.settings} (
  name text primary key,
  value text not null
)${types.keyedTable};
`;

const clients: Part = ({ names, types }) => `
create table ${names.qualified("clients")} (
  namespace text not null,
  id ${types.id} not null,
  name ${types.id} not null,
  version integer not null,
  credentials ${types.json} not null,
  provider_keys ${types.json} not null,
  created_at ${types.time} not null,
  last_used_at ${types.time},
  primary key (namespace, id),
  unique (namespace, name)
)${types.table};
create table ${names.qualified("client_credentials")} (
  namespace text not null,
  hash text not null,
  client_id ${types.id} not null,
  primary key (namespace, hash, client_id),
  foreign key (namespace, client_id) references ${names.qualified("clients")} (namespace, id) on delete cascade
)${types.keyedTable};
create index ${names.own("credentials_client")} on ${names.qualified("client_credentials")} (namespace, client_id);
create index ${names.own("tokens_hash")} on ${names.tokens} (hash);
`;

const tenants: Part = ({ names }) => `
alter table ${names.qualified("clients")} rename to ${names.own("tenants")};
alter table ${names.qualified("client_credentials")} rename to ${names.own("tenant_credentials")};
alter table ${names.credentials} rename column client_id to tenant_id;
alter table ${names.computes} rename column client_id to tenant_id;
`;

const slots: Part = ({ names, types }) => `
alter table ${names.computes} add column slot text;
alter table ${names.computes} add column absent_since ${types.time};
create unique index ${names.own("computes_slot")} on ${names.computes} (namespace, coalesce(tenant_id, ''), user_id, slot)
  where slot is not null and status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
create index ${names.own("computes_ended")} on ${names.computes} (namespace, ended_at) where ended_at is not null;
`;

const looks: Part = ({ names, types }) => `
alter table ${names.computes} add column max_extended_lifetime_seconds ${types.real};
alter table ${names.computes} add column boot_timeout_seconds ${types.real};
alter table ${names.computes} add column warn_before_end_seconds ${types.real} not null default 120;
alter table ${names.computes} add column acted_at ${types.time};
alter table ${names.computes} add column answered_at ${types.time};
alter table ${names.computes} add column looked_at ${types.time};
alter table ${names.computes} add column looks integer not null default 0;
alter table ${names.computes} add column warned_end ${types.time};
`;

const generations: Part = ({ names }) => `
alter table ${names.computes} add column generation integer not null default 0;
alter table ${names.computes} add column signing_key_id text default '';
`;

const notes: Part = ({ names, types }) => `
create table ${names.notes} (
  namespace text not null,
  name text not null,
  value text not null,
  expires_at ${types.time} not null,
  primary key (namespace, name)
)${types.keyedTable};
create index ${names.own("notes_expired")} on ${names.notes} (expires_at);
`;

const ledger: Part = ({ names, types }) => `
alter table ${names.computes} add column settled_at ${types.time};
alter table ${names.computes} add column budget_deadline ${types.time};
create table ${names.ledger} (
  namespace text not null,
  day ${types.id} not null,
  tenant_id text not null,
  user_id text not null,
  provider text not null,
  gpu text not null,
  cost ${types.real} not null,
  seconds ${types.real} not null,
  computes integer not null,
  primary key (namespace, day, tenant_id, user_id, provider, gpu)
)${types.keyedTable};
create index ${names.own("ledger_user")} on ${names.ledger} (namespace, user_id, day);
insert into ${names.ledger} (namespace, day, tenant_id, user_id, provider, gpu, cost, seconds, computes)
  select namespace, ${types.dayOf("updated_at")}, coalesce(tenant_id, ''), coalesce(user_id, ''), provider, coalesce(gpu, ''),
    sum(cost_before), 0, count(*)
  from ${names.computes} where cost_before > 0
  group by 1, 2, 3, 4, 5, 6;
update ${names.computes} set settled_at = updated_at where cost_before > 0;
`;

const cursors: Part = ({ names, types }) => `
create table ${names.cursors} (
  namespace text not null,
  name text not null,
  position ${types.position} not null,
  attempts integer not null,
  lease text,
  free_at ${types.time} not null,
  primary key (namespace, name)
)${types.keyedTable};
`;
