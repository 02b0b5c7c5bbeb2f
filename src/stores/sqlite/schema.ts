/** The schema in SQLite. Times are whole milliseconds since 1970. */

import type { Migration } from "../sql/migration.ts";
import type { Names } from "../sql/names.ts";

/** Every migration, oldest first. */
export const sqliteMigrations: readonly Migration[] = [
  {
    number: 1,
    name: "computes and their events",
    sql: (names) => computes(names) + indexes(names) + tokens(names) + events(names) + settings(names),
  },
  { number: 2, name: "clients of a shared control plane", sql: (names) => clients(names) },
  { number: 3, name: "clients are called tenants", sql: (names) => tenants(names) },
];

const computes = (names: Names): string => `
create table ${names.computes} (
  namespace text not null,
  id text not null,
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
  ports text not null,
  auth_schemes text not null,
  tokens text not null,
  metadata text not null,
  idempotency_key text,
  request_hash text not null,
  cost_per_hour real,
  cost_before real not null,
  cost_since integer,
  idle_timeout_seconds real,
  max_lifetime_seconds real,
  created_at integer not null,
  updated_at integer not null,
  last_active_at integer not null,
  placed_at integer,
  ended_at integer,
  boot_deadline integer,
  idle_deadline integer,
  lifetime_deadline integer,
  check_at integer,
  due_at integer,
  lease text,
  lease_until integer,
  attempts integer not null,
  last_error text,
  reports text not null,
  primary key (namespace, id),
  unique (namespace, name),
  unique (namespace, idempotency_key)
) strict;
`;

const indexes = (names: Names): string => `
create index ${names.own("computes_due")} on ${names.computes} (namespace, due_at) where due_at is not null;
create index ${names.own("computes_newest")} on ${names.computes} (namespace, created_at, id);
create index ${names.own("computes_user")} on ${names.computes} (namespace, user_id, created_at, id);
create index ${names.own("computes_live")} on ${names.computes} (namespace, user_id, cost_per_hour)
  where status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
`;

const tokens = (names: Names): string => `
create table ${names.tokens} (
  namespace text not null,
  hash text not null,
  kind text not null,
  compute_id text not null,
  primary key (namespace, hash, kind, compute_id),
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
) strict, without rowid;
create index ${names.own("tokens_compute")} on ${names.tokens} (namespace, compute_id);
`;

const events = (names: Names): string => `
create table ${names.events} (
  id integer primary key autoincrement,
  namespace text not null,
  compute_id text not null,
  at integer not null,
  type text not null,
  status text not null,
  reason text,
  cost_so_far real,
  data text not null,
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
) strict;
create index ${names.own("events_namespace")} on ${names.events} (namespace, id);
create index ${names.own("events_compute")} on ${names.events} (namespace, compute_id, id);
`;

const settings = (names: Names): string => `
create table ${names.settings} (
  name text primary key,
  value text not null
) strict, without rowid;
`;

const clients = (names: Names): string => `
create table ${names.qualified("clients")} (
  namespace text not null,
  id text not null,
  name text not null,
  version integer not null,
  credentials text not null,
  provider_keys text not null,
  created_at integer not null,
  last_used_at integer,
  primary key (namespace, id),
  unique (namespace, name)
) strict;
create table ${names.qualified("client_credentials")} (
  namespace text not null,
  hash text not null,
  client_id text not null,
  primary key (namespace, hash, client_id),
  foreign key (namespace, client_id) references ${names.qualified("clients")} (namespace, id) on delete cascade
) strict, without rowid;
create index ${names.own("credentials_client")} on ${names.qualified("client_credentials")} (namespace, client_id);
create index ${names.own("tokens_hash")} on ${names.tokens} (hash);
`;

const tenants = (names: Names): string => `
alter table ${names.qualified("clients")} rename to ${names.own("tenants")};
alter table ${names.qualified("client_credentials")} rename to ${names.own("tenant_credentials")};
alter table ${names.credentials} rename column client_id to tenant_id;
alter table ${names.computes} rename column client_id to tenant_id;
`;
