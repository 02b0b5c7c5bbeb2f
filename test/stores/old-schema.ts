/** The schema of version 0.1 before clients became tenants, as migrations 1 and 2 wrote it, to the letter. */

/** In SQLite. */
export const oldSqlite: string = `
create table "atlas_migrations" (
  number integer primary key,
  name text not null,
  applied_at integer not null
) strict;
create table "atlas_computes" (
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

create index "atlas_computes_due" on "atlas_computes" (namespace, due_at) where due_at is not null;
create index "atlas_computes_newest" on "atlas_computes" (namespace, created_at, id);
create index "atlas_computes_user" on "atlas_computes" (namespace, user_id, created_at, id);
create index "atlas_computes_live" on "atlas_computes" (namespace, user_id, cost_per_hour)
  where status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');

create table "atlas_tokens" (
  namespace text not null,
  hash text not null,
  kind text not null,
  compute_id text not null,
  primary key (namespace, hash, kind, compute_id),
  foreign key (namespace, compute_id) references "atlas_computes" (namespace, id) on delete cascade
) strict, without rowid;
create index "atlas_tokens_compute" on "atlas_tokens" (namespace, compute_id);

create table "atlas_events" (
  id integer primary key autoincrement,
  namespace text not null,
  compute_id text not null,
  at integer not null,
  type text not null,
  status text not null,
  reason text,
  cost_so_far real,
  data text not null,
  foreign key (namespace, compute_id) references "atlas_computes" (namespace, id) on delete cascade
) strict;
create index "atlas_events_namespace" on "atlas_events" (namespace, id);
create index "atlas_events_compute" on "atlas_events" (namespace, compute_id, id);

create table "atlas_settings" (
  name text primary key,
  value text not null
) strict, without rowid;

create table "atlas_clients" (
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
create table "atlas_client_credentials" (
  namespace text not null,
  hash text not null,
  client_id text not null,
  primary key (namespace, hash, client_id),
  foreign key (namespace, client_id) references "atlas_clients" (namespace, id) on delete cascade
) strict, without rowid;
create index "atlas_credentials_client" on "atlas_client_credentials" (namespace, client_id);
create index "atlas_tokens_hash" on "atlas_tokens" (hash);
`;

/** In PostgreSQL, in the schema `old`. */
export const oldPostgres: string = `
create schema "old";
create table "old"."atlas_migrations" (
  number integer primary key,
  name text not null,
  applied_at timestamptz not null default statement_timestamp()
);
create table "old"."atlas_computes" (
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

create index "atlas_computes_due" on "old"."atlas_computes" (namespace, due_at) where due_at is not null;
create index "atlas_computes_newest" on "old"."atlas_computes" (namespace, created_at, id);
create index "atlas_computes_user" on "old"."atlas_computes" (namespace, user_id, created_at, id);
create index "atlas_computes_live" on "old"."atlas_computes" (namespace, user_id, cost_per_hour)
  where status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');

create table "old"."atlas_tokens" (
  namespace text not null,
  hash text not null,
  kind text not null,
  compute_id text collate "C" not null,
  primary key (namespace, hash, kind, compute_id),
  foreign key (namespace, compute_id) references "old"."atlas_computes" (namespace, id) on delete cascade
);
create index "atlas_tokens_compute" on "old"."atlas_tokens" (namespace, compute_id);

create table "old"."atlas_events" (
  id bigint generated always as identity primary key,
  namespace text not null,
  compute_id text collate "C" not null,
  at timestamptz not null,
  type text not null,
  status text not null,
  reason text,
  cost_so_far double precision,
  data json not null,
  foreign key (namespace, compute_id) references "old"."atlas_computes" (namespace, id) on delete cascade
);
create index "atlas_events_namespace" on "old"."atlas_events" (namespace, id);
create index "atlas_events_compute" on "old"."atlas_events" (namespace, compute_id, id);

create table "old"."atlas_settings" (
  name text primary key,
  value text not null
);

create function "old"."atlas_turn"(the_namespace text, the_id text, the_user text, with_usage boolean)
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
  perform pg_advisory_xact_lock(hashtextextended('"old"."atlas_events" ' || the_namespace, 0));
  return query
    select
      (select c.version from "old"."atlas_computes" c where c.namespace = the_namespace and c.id = the_id),
      count(*)::integer,
      coalesce(sum(c.cost_per_hour), 0),
      (count(*) filter (where c.user_id = the_user))::integer,
      coalesce(sum(c.cost_per_hour) filter (where c.user_id = the_user), 0)
    from "old"."atlas_computes" c
    where with_usage and c.namespace = the_namespace and c.id <> the_id
      and c.status in ('pending', 'provisioning', 'running', 'stopped', 'uncertain', 'terminating');
end
$function$;

create table "old"."atlas_clients" (
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
create table "old"."atlas_client_credentials" (
  namespace text not null,
  hash text not null,
  client_id text collate "C" not null,
  primary key (namespace, hash, client_id),
  foreign key (namespace, client_id) references "old"."atlas_clients" (namespace, id) on delete cascade
);
create index "atlas_credentials_client" on "old"."atlas_client_credentials" (namespace, client_id);
create index "atlas_tokens_hash" on "old"."atlas_tokens" (hash);
`;
