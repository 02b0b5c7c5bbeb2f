/** A real PgBouncer in front of a PostgreSQL server. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./postgres-server.ts";

const PROGRAM = "/usr/sbin/pgbouncer";

/** False where PgBouncer is not installed. */
export const hasPgBouncer: boolean = existsSync(PROGRAM);

/** Starts a pooler in transaction mode with that many connections to the server. */
export async function startPgBouncer(
  connectionString: string,
  connections: number,
): Promise<{ readonly connectionString: string; stop(): Promise<void> }> {
  const { hostname, port, username, password, pathname } = new URL(connectionString);
  const folder = mkdtempSync(join(tmpdir(), "atlas-pgbouncer-"));
  const own = await freePort();
  writeFileSync(join(folder, "users.txt"), `"${username}" "${password}"\n`);
  const database = pathname.slice(1);
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    [
      "[databases]",
      `${database} = host=${hostname} port=${port} dbname=${database} user=${username} password=${password}`,
      "[pgbouncer]",
      `listen_addr = 127.0.0.1\nlisten_port = ${own}\nunix_socket_dir =\nauth_type = plain`,
      `auth_file = ${join(folder, "users.txt")}`,
      `pool_mode = transaction\ndefault_pool_size = ${connections}\nmax_client_conn = 200`,
    ].join("\n"),
  );
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    execFileSync("chown", ["-R", "nobody", folder]);
  }
  const child = spawn(PROGRAM, [...(isRoot ? ["-u", "nobody"] : []), join(folder, "pgbouncer.ini")], {
    stdio: "ignore",
  });
  await untilOpen(own);
  return {
    connectionString: `postgres://${username}:${password}@127.0.0.1:${own}/${database}`,
    stop: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = createConnection({ port, host: "127.0.0.1" });
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("PgBouncer did not begin to listen");
}
