/** Hears of writes from other processes, through the LISTEN of the client that the application has. */
import type { Queryable } from "./database.ts";
import { type Connection, listenOnConnection } from "./listen-on-connection.ts";
import { listenOnPool, type Pool } from "./listen-on-pool.ts";

/** Begins to listen on a channel; the result ends that. */
export type Listen = (channel: string, heard: (message?: string) => void) => Promise<AsyncDisposable>;

/** PGlite. */
interface Listener extends Queryable {
  listen(channel: string, heard: (message: string) => void): Promise<() => Promise<void>>;
}

/** A way to listen through this client; `undefined` when it has none. */
export function listenThrough(client: Queryable): Listen | undefined {
  if (isListener(client)) return (channel, heard) => listenOnListener(client, channel, heard);
  if (isPool(client))
    return hasRoom(client) ? (channel, heard) => listenOnPool(client, channel, heard) : undefined;
  if (isConnection(client)) return (channel, heard) => listenOnConnection(client, channel, heard);
  return undefined;
}

/** A pool of one connection has none to spare: the listener would hold it, and every other call would wait for it for good. */
function hasRoom({ options }: Pool): boolean {
  return options?.max === undefined || options.max >= 2;
}

/**
 * Hears the errors of a pool's idle connections. Without a listener Node ends the process when the database restarts; the pool itself drops the
 * connection, and the next call opens another one or fails as STORE_UNAVAILABLE.
 */
export function surviveLostConnections(client: Queryable): void {
  if (!isPool(client) || client.on === undefined || surviving.has(client)) return;
  surviving.add(client);
  client.on("error", () => undefined);
}

const surviving = new WeakSet<Queryable>();

function isListener(client: Queryable): client is Listener {
  return "listen" in client && typeof client.listen === "function";
}

function isPool(client: Queryable): client is Pool {
  return "totalCount" in client && "connect" in client && typeof client.connect === "function";
}

function isConnection(client: Queryable): client is Connection {
  return "on" in client && typeof client.on === "function" && "removeListener" in client;
}

async function listenOnListener(
  client: Listener,
  channel: string,
  heard: (message: string) => void,
): Promise<AsyncDisposable> {
  const stop = await client.listen(channel, (message) => heard(message));
  return { [Symbol.asyncDispose]: () => stop() };
}
