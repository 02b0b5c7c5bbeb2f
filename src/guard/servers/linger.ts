import type { Duplex } from "node:stream";
import { systemClock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";

/** The time in which a caller can read an answer before its connection is destroyed. */
const LINGER_SECONDS = 1;

/**
 * Destroys a connection soon, so that the caller reads the answer first. A reset at once would take the answer away again.
 * Returns a function that keeps the connection.
 */
export function destroyLater(socket: Duplex): () => void {
  const kept = new AbortController();
  const keep = (): void => kept.abort();
  socket.once("close", keep);
  // The network's time, which no test moves.
  void pause(systemClock, LINGER_SECONDS, kept.signal).then(() => kept.signal.aborted || socket.destroy());
  return keep;
}
