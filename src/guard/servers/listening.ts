/** The moment at which a server of this process begins to listen. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { request, Server } from "node:http";
import { READINESS_PATH } from "../../internal/readiness.ts";

/** The channel on which Node tells of each server that has begun to listen. */
const LISTENING = "tracing:net.server.listen:asyncEnd";
const TIMEOUT_MILLISECONDS = 10_000;

/**
 * Sends each HTTP server that begins to listen one request for its readiness path, which needs no credential. The request shows the guard
 * that it stands in front of a server which listens; any other server answers that it has no such path.
 */
export function probeServers(signal: AbortSignal): void {
  if (signal.aborted) return;
  const onListening = (message: unknown): void => {
    const server = serverOf(message);
    if (server !== undefined) probe(server, signal);
  };
  subscribe(LISTENING, onListening);
  signal.addEventListener("abort", () => unsubscribe(LISTENING, onListening), { once: true });
}

function serverOf(message: unknown): Server | undefined {
  if (typeof message !== "object" || message === null || !("server" in message)) return undefined;
  return message.server instanceof Server ? message.server : undefined;
}

function probe(server: Server, signal: AbortSignal): void {
  const address = server.address();
  if (address === null) return;
  const place =
    typeof address === "string"
      ? { socketPath: address }
      : { host: LOOPBACKS[address.address] ?? address.address, port: address.port };
  const call = request({
    ...place,
    path: READINESS_PATH,
    agent: false,
    timeout: TIMEOUT_MILLISECONDS,
    signal,
  });
  // Only the arrival of the request counts, and another server may answer without an end.
  call.on("response", (response) => response.destroy());
  call.on("timeout", () => call.destroy());
  // Without an answer the guard waits for the first request of a caller.
  call.on("error", () => call.destroy());
  call.end();
}

/** The address at which a server that listens at every address is reached from its own machine. */
const LOOPBACKS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
