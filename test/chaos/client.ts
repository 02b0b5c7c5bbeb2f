/** A client as every process of the run has it: the real store, the real adapter, and a note on every end it asks for. */
import { AsyncLocalStorage } from "node:async_hooks";
import { nanoid } from "nanoid";
import pg from "pg";
import { type Atlas, type AtlasOptions, createAtlas } from "../../src/index.ts";
import type { Provider } from "../../src/provider.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { fastClock, fastTimeOption } from "./fast-time.ts";
import { type Connection, LIMITS, TIMING } from "./settings.ts";

/** A client, and what it stands on. */
export interface ChaosClient {
  readonly atlas: Atlas;
  readonly pool: pg.Pool;
}

/** Connects a client. `worker` is the name its requests to end something carry. */
export function connectClient(
  { connectionString, providerUrl, apiKey, time }: Connection,
  worker: string,
  options: Pick<AtlasOptions, "logger" | "onEvent" | "limits" | "deployment"> = {},
): ChaosClient {
  const pool = new pg.Pool({ connectionString, max: 6, options: fastTimeOption });
  const store = postgresStore(pool);
  const clock = fastClock(time);
  const notes = new AsyncLocalStorage<Readonly<Record<string, string>>>();
  const provider = runpod({
    apiKey,
    clock,
    baseUrl: `${providerUrl}/v2`,
    fetch: (input, init) => {
      const request = new Request(input, init);
      for (const [name, value] of Object.entries(notes.getStore() ?? {})) request.headers.set(name, value);
      return fetch(request);
    },
  });
  const noted: Provider = {
    ...provider,
    terminate: async (reference, context) => {
      const note = {
        "x-chaos-worker": worker,
        "x-chaos-call": nanoid(),
        "x-chaos-lease": await leaseOf(pool, reference.name),
      };
      return notes.run(note, () => provider.terminate(reference, context));
    },
  };
  const atlas = createAtlas({
    providers: [noted],
    store,
    clock,
    limits: LIMITS,
    timing: TIMING,
    deployment: "chaos",
    ...options,
  });
  return { atlas, pool };
}

/** The lease that is on a compute now, whoever holds it; empty when there is none. */
async function leaseOf(pool: pg.Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ lease: string }>(
    "select lease from atlas_computes where name = $1 and lease_until > statement_timestamp()",
    [name],
  );
  return rows[0]?.lease ?? "";
}
