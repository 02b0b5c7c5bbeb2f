/** The schema in PostgreSQL. What callers sent as JSON is kept as they sent it (`json`): `jsonb` refuses some of it. */

import type { Migration } from "../sql/migration.ts";
import type { Names } from "../sql/names.ts";

/** Every migration, oldest first. */
export const postgresMigrations: readonly Migration[] = [
  {
    number: 1,
    name: "computes and their events",
    sql: (names) => [computes, indexes, tokens, events, settings, turn].map((part) => part(names)).join(""),
  },
  { number: 2, name: "clients of a shared control plane", sql: (names) => clients(names) },
  { number: 3, name: "clients are called tenants", sql: (names) => tenants(names) },
];

const computes = (names: Names): string => `
create table ${names.computes} (
  namespace text not null,
  id text collate "C" not null,
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
  ports json not null,
  auth_schemes json not null,
  tokens json not null,
  metadata json not null,
  idempotency_key text,
  request_hash text not null,
  cost_per_hour double precision,
  cost_before double precision not null,
  cost_since timestamptz,
  idle_timeout_seconds double precision,
  max_lifetime_seconds double precision,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_active_at timestamptz not null,
  placed_at timestamptz,
  ended_at timestamptz,
  boot_deadline timestamptz,
  idle_deadline timestamptz,
  lifetime_deadline timestamptz,
  check_at timestamptz,
  due_at timestamptz,
  lease text,
  lease_until timestamptz,
  attempts integer not null,
  last_error text,
  reports json not null,
  primary key (namespace, id),
  unique (namespace, name),
  unique (namespace, idempotency_key)
);
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
  compute_id text collate "C" not null,
  primary key (namespace, hash, kind, compute_id),
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
);
create index ${names.own("tokens_compute")} on ${names.tokens} (namespace, compute_id);
`;

const events = (names: Names): string => `
create table ${names.events} (
  id bigint generated always as identity primary key,
  namespace text not null,
  compute_id text collate "C" not null,
  at timestamptz not null,
  type text not null,
  status text not null,
  reason text,
  cost_so_far double precision,
  data json not null,
  foreign key (namespace, compute_id) references ${names.computes} (namespace, id) on delete cascade
);
create index ${names.own("events_namespace")} on ${names.events} (namespace, id);
create index ${names.own("events_compute")} on ${names.events} (namespace, compute_id, id);
`;

const settings = (names: Names): string => `
create table ${names.settings} (
  name text primary key,
  value text not null
);
`;

/**
 * Makes writers of one namespace take turns until their transactions end, so that event ids rise in the order in which events become
 * visible. What it then reads is newer than the calling statement's own view, which began before its turn came: hence a function. Where a
 * transaction has only one view from beginning to end it cannot do that, and refuses.
 */
const turn = (names: Names): string => `
create function ${names.qualified("turn")}(the_namespace text, the_id text, the_user text, with_usage boolean)
returns table (
  stored_version integer,
  live_computes integer,
  live_cost double precision,
  user_computes integer,
  user_cost double precision
)
language plpgsql as $function$
begin
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    raise exception using errcode = 'AT002', message = 'the store needs read committed transactions';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('${names.events} ' || the_namespace, 0));
  return query
    select
      (select c.version from ${names.computes} c where c.namespace = the_namespace and c.id = the_id),
      count(*)::integer,
      coalesce(sum(c.cost_per_hour), 0),
      (count(*) filter (where c.user_id = the_user))::integer,
      coalesce(sum(c.cost_per_hour) filter (where c.user_id = the_user), 0)
    from ${names.computes} c
    where with_usage and c.namespace = the_namespace and c.id <> the_id
      and c.status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
end
$function$;
`;

const clients = (names: Names): string => `
create table ${names.qualified("clients")} (
  namespace text not null,
  id text collate "C" not null,
  name text collate "C" not null,
  version integer not null,
  credentials json not null,
  provider_keys json not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  primary key (namespace, id),
  unique (namespace, name)
);
create table ${names.qualified("client_credentials")} (
  namespace text not null,
  hash text not null,
  client_id text collate "C" not null,
  primary key (namespace, hash, client_id),
  foreign key (namespace, client_id) references ${names.qualified("clients")} (namespace, id) on delete cascade
);
create index ${names.own("credentials_client")} on ${names.qualified("client_credentials")} (namespace, client_id);
create index ${names.own("tokens_hash")} on ${names.tokens} (hash);
`;

const tenants = (names: Names): string => `
alter table ${names.qualified("clients")} rename to ${names.own("tenants")};
alter table ${names.qualified("client_credentials")} rename to ${names.own("tenant_credentials")};
alter table ${names.credentials} rename column client_id to tenant_id;
alter table ${names.computes} rename column client_id to tenant_id;
`;
