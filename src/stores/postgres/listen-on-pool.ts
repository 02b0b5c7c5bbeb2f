/** LISTEN on a connection borrowed from a pool, and on another one whenever that is lost. */
import { systemClock } from "../../clock.ts";
import type { Queryable } from "./database.ts";
import { type Connection, listenOnConnection } from "./listen-on-connection.ts";

/** How long to wait before trying again after a connection was lost. */
const RETRY_MILLISECONDS = 1_000;

/** pg's `Pool`, and Neon's. */
export interface Pool extends Queryable {
  /** How many connections it has. It tells a pool from a client, which can `connect` too. */
  readonly totalCount: number;
  connect(): Promise<Connection & { release(destroy: boolean): void }>;
}

interface Loan {
  /** Resolves when the loan is over, and its connection closed. */
  readonly over: Promise<"lost" | "returned">;
  giveBack(): void;
}

/** Listens through a pool. While it does so, one of the pool's connections is taken. */
export async function listenOnPool(pool: Pool, channel: string, heard: () => void): Promise<AsyncDisposable> {
  const ending = new AbortController();
  const first = await borrow(pool, channel, heard);
  const ended = keepListening(first, ending.signal, () => borrow(pool, channel, heard), heard);
  return {
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}

async function borrow(pool: Pool, channel: string, heard: () => void): Promise<Loan> {
  const connection = await pool.connect();
  const { promise, resolve } = Promise.withResolvers<"lost" | "returned">();
  const over = promise.then((how) => {
    connection.release(true);
    return how;
  });
  connection.on("error", () => resolve("lost"));
  connection.on("end", () => resolve("lost"));
  try {
    await listenOnConnection(connection, channel, heard);
  } catch (error) {
    resolve("returned");
    throw error;
  }
  return { over, giveBack: () => resolve("returned") };
}

/** Whatever was written while nobody listened has to be looked for, so a new loan counts as heard. */
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
    loan = await retried(again, signal);
    heard();
  }
}

/** Tries until it succeeds or the signal aborts. Failures are expected here: the database is away. */
async function retried(again: () => Promise<Loan>, signal: AbortSignal): Promise<Loan | undefined> {
  while (!signal.aborted) {
    const loan = await systemClock
      .sleep(RETRY_MILLISECONDS, signal)
      .then(again)
      .catch(() => undefined);
    if (loan !== undefined) return loan;
  }
  return undefined;
}
