/** LISTEN on one connection. */
import type { Queryable } from "./database.ts";

type Listener = (message: { readonly channel?: string; readonly payload?: string }) => void;

/** A connection on which the database sends notifications: pg's `Client`. */
export interface Connection extends Queryable {
  on(event: "notification" | "error" | "end", listener: Listener): unknown;
  removeListener(event: "notification", listener: Listener): unknown;
}

/** Listens on a connection that is the caller's. Afterwards the connection goes on listening, and its notifications are ignored. */
export async function listenOnConnection(
  connection: Connection,
  channel: string,
  heard: (message: string | undefined) => void,
): Promise<AsyncDisposable> {
  const onMessage: Listener = (message) => {
    if (message.channel === channel) heard(message.payload);
  };
  connection.on("notification", onMessage);
  await connection.query(`listen "${channel}"`);
  return {
    [Symbol.asyncDispose]: async () => {
      connection.removeListener("notification", onMessage);
    },
  };
}
