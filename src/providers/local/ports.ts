/** Choosing loopback ports so that no two processes choose the same. */
import { createServer, type Server } from "node:net";

/** Ports that stay bound until `release`. */
export interface PortReservation {
  readonly ports: readonly number[];
  release(): Promise<void>;
}

/**
 * Binds ports that are free by the system and that no record has.
 *
 * The caller records the ports before it releases them. So another create that binds one of them between the release and the
 * program's own `listen` finds it on record, and takes another; a killed process releases its ports by its end. Only a program
 * outside of local(), which does not read our records, can take a port in that time: the command then ends with EADDRINUSE in
 * its log, and the instance is `failed`.
 */
export async function reservePorts(
  count: number,
  readTaken: () => Promise<ReadonlySet<number>>,
): Promise<PortReservation> {
  const held: Server[] = [];
  const release = async (): Promise<void> => void (await Promise.all(held.map(close)));
  try {
    let ports: readonly number[] = [];
    while (ports.length < count) {
      const bound = await bindFree(count - ports.length, held);
      const taken = await readTaken();
      ports = [...ports, ...bound.filter((port) => !taken.has(port))];
    }
    return { ports, release };
  } catch (error) {
    await release();
    throw error;
  }
}

function bindFree(count: number, held: Server[]): Promise<readonly number[]> {
  const bind = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      held.push(server);
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port: 0, exclusive: true }, () => resolve(portOf(server)));
    });
  return Promise.all(Array.from({ length: count }, bind));
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address === "object" && address !== null) return address.port;
  throw new TypeError("a TCP server has a port");
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
