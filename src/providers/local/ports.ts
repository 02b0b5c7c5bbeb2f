/** Choosing loopback ports so that no two processes choose the same. */
import { createServer, type Server } from "node:net";

/** Ports that are held until they are let go. */
export interface PortReservation {
  readonly ports: readonly number[];
  release(): Promise<void>;
}

/**
 * Binds ports that the system says are free and that nobody has on record.
 *
 * The caller puts them on record before it releases them. So whoever binds one of them in the time between the release
 * and the program's own `listen` finds it on record, and takes another; a process that is killed on the way lets go of
 * its ports by dying. Only a stranger, who knows nothing of our records, can still get in between: the program then ends
 * with EADDRINUSE in its log, and the instance is `failed`.
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
