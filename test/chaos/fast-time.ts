/** Time that runs faster than the world's, and is the same in every process and in the database. */
import type pg from "pg";
import { type Clock, systemClock } from "../../src/clock.ts";

/** Since a moment, in milliseconds since 1970, every clock of the run goes that many times as fast. */
export interface FastTime {
  readonly anchor: number;
  readonly speed: number;
}

/** The clock of a process. `ahead` says by how many seconds it is ahead of the others. */
export function fastClock({ anchor, speed }: FastTime, ahead: () => number = () => 0): Clock {
  return {
    now: () => new Date(anchor + (Date.now() - anchor) * speed + ahead() * 1000),
    sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / speed, signal),
  };
}

const SCHEMA = "chaos_time";

/** The option with which a connection finds our `statement_timestamp()` before PostgreSQL's own. */
export const fastTimeOption: string = `-c search_path=${SCHEMA},pg_catalog,public`;

/**
 * Sets the database's time, that many seconds ahead. The store's clock of record stays the database's own function; only that it is another
 * one now. So the store under test runs unchanged, and the test can let hours pass for all processes at once.
 */
export async function setDatabaseTime(
  client: pg.Pool,
  { anchor, speed }: FastTime,
  ahead = 0,
): Promise<void> {
  const start = `to_timestamp(${anchor / 1000}::double precision)`;
  await client.query(
    `create schema if not exists ${SCHEMA};
     create or replace function ${SCHEMA}.statement_timestamp() returns timestamptz language sql stable as $$
       select ${start} + (pg_catalog.statement_timestamp() - ${start}) * ${speed} + interval '${ahead} seconds'
     $$`,
  );
}
