/** LISTEN on a connection borrowed from a pool, and on another one after each loss. */
import { systemClock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import { retry } from "../../internal/retry.ts";
import type { Queryable } from "./database.ts";
import { type Connection, listenOnConnection } from "./listen-on-connection.ts";

/** The pause after a connection was lost, and after each failed try to get another one. */
const RETRY_SECONDS = 1;
/** The time in which a notification arrives where any does. */
const PROOF_SECONDS = 2;
const TICK_SECONDS = 1;

/** pg's `Pool`, and Neon's. */
export interface Pool extends Queryable {
  /** The number of its connections. It tells a pool from a client, which can `connect` too. */
  readonly totalCount: number;
  readonly options?: { readonly max?: number };
  on?(event: "error", listener: (error: Error) => void): unknown;
  connect(): Promise<Connection & { release(destroy: boolean): void }>;
}

async function tick(heard: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(systemClock, TICK_SECONDS, signal);
    if (!signal.aborted) heard();
  }
}

/** Calls back once a second until a notification has arrived. Where none does, the connection goes back, and the calls go on. */
async function goOn(
  first: Loan,
  signal: AbortSignal,
  again: () => Promise<Loan>,
  heard: () => void,
): Promise<void> {
  const proven = new AbortController();
  const ticking = tick(heard, AbortSignal.any([signal, proven.signal]));
  if (await first.hears) {
    proven.abort();
    await keepListening(first, signal, again, heard);
  } else {
    first.giveBack();
    await first.over;
  }
  await ticking;
}

interface Loan {
  /** True when a notification that another connection sent has arrived: a pooler in transaction mode loses them. */
  readonly hears: Promise<boolean>;

  /** Resolves when the loan is over, and its connection closed. */
  readonly over: Promise<"lost" | "returned">;
  giveBack(): void;
}

/** Listens through a pool. While it does so, one of the pool's connections is taken. */
export async function listenOnPool(
  pool: Pool,
  channel: string,
  heard: (message?: string) => void,
): Promise<AsyncDisposable> {
  const ending = new AbortController();
  const first = await borrow(pool, channel, heard);
  const ended = goOn(first, ending.signal, () => borrow(pool, channel, heard), heard);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      first.giveBack();
      await ended;
    },
  };
}

async function borrow(pool: Pool, channel: string, heard: (message?: string) => void): Promise<Loan> {
  const connection = await pool.connect();
  const { promise, resolve } = Promise.withResolvers<"lost" | "returned">();
  const over = promise.then((how) => {
    connection.release(true);
    return how;
  });
  connection.on("error", () => resolve("lost"));
  connection.on("end", () => resolve("lost"));
  const proof = Promise.withResolvers<boolean>();
  const proving = new AbortController();
  const prove = (hears: boolean): void => {
    proving.abort();
    proof.resolve(hears);
  };
  try {
    await listenOnConnection(connection, channel, (message) => {
      prove(true);
      heard(message);
    });
  } catch (error) {
    resolve("returned");
    throw error;
  }
  // Not on the same connection: a pooler would answer it with the notification, however deaf the connection is.
  pool.query("select pg_notify($1, '')", [channel]).catch(() => prove(false));
  void pause(systemClock, PROOF_SECONDS, proving.signal).then(() => prove(false));
  const giveBack = (): void => {
    prove(false);
    resolve("returned");
  };
  return { over, hears: proof.promise, giveBack };
}

/** Keeps one loan open. Writes that were made while no connection listened were not heard, so a new loan counts as one heard. */
async function keepListening(
  first: Loan,
  signal: AbortSignal,
  again: () => Promise<Loan>,
  heard: () => void,
): Promise<void> {
  let loan: Loan | undefined = first;
  while (loan !== undefined) {
    signal.addEventListener("abort", loan.giveBack, { once: true });
    if (signal.aborted) loan.giveBack();
    if ((await loan.over) === "returned") return;
    signal.removeEventListener("abort", loan.giveBack);
    loan = await borrowAgain(again, signal);
    heard();
  }
}

/**
 * Borrows until it succeeds; `undefined` when the signal aborts. The database may be away for long, so the tries do not end. The pause
 * comes first: a database that drops each connection at once would otherwise be asked in a tight loop.
 */
async function borrowAgain(again: () => Promise<Loan>, signal: AbortSignal): Promise<Loan | undefined> {
  await pause(systemClock, RETRY_SECONDS, signal);
  if (signal.aborted) return undefined;
  try {
    return await retry({ clock: systemClock, signal, waitSeconds: () => RETRY_SECONDS }, again);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
