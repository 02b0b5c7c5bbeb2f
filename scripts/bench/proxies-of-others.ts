/** nginx and Caddy, as Debian packages them, with the same check of a bearer token in front of a server. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../test/stores/postgres-server.ts";
import { reportMissing } from "./figures.ts";
import { startServer } from "./guard-servers.ts";
import { ORIGIN, type RunningServer, TOKEN } from "./running-server.ts";

/** A program that forwards requests with the token, and refuses others. */
interface OtherProxy {
  readonly command: string;
  readonly file: string;
  readonly args: (path: string, folder: string) => readonly string[];
  readonly config: (port: number, target: URL, folder: string) => string;
}

/** The header that a browser's page needs, for the one origin. */
const NGINX = (port: number, { host }: URL, folder: string): string => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  map_hash_bucket_size 256;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_authorization $is_refused { default 1; "Bearer ${TOKEN}" ""; }
  map $http_origin $listed { default ""; "${ORIGIN}" $http_origin; }
  map $http_upgrade $connection_header { default upgrade; "" ""; }
  upstream behind { server ${host}; keepalive 128; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 100000000;
    location / {
      if ($is_refused) { return 401; }
      add_header Access-Control-Allow-Origin $listed always;
      add_header Vary Origin always;
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
      proxy_set_header Host $host;
      proxy_set_header Authorization "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
    }
  }
}
`;

const CADDY = (port: number, { host }: URL, folder: string): string => `
{
  admin off
  auto_https off
  storage file_system ${folder}
  log {
    level ERROR
  }
}
http://:${port} {
  bind 127.0.0.1
  @known header Authorization "Bearer ${TOKEN}"
  @page header Origin "${ORIGIN}"
  header @page Access-Control-Allow-Origin "${ORIGIN}"
  header Vary Origin
  handle @known {
    reverse_proxy ${host} {
      flush_interval -1
      header_up -Authorization
    }
  }
  handle {
    respond 401
  }
}
`;

const OTHERS = {
  nginx: {
    command: "nginx",
    file: "nginx.conf",
    args: (path, folder) => ["-p", folder, "-c", path],
    config: NGINX,
  },
  Caddy: {
    command: "caddy",
    file: "Caddyfile",
    args: (path) => ["run", "--config", path, "--adapter", "caddyfile"],
    config: CADDY,
  },
} as const satisfies Readonly<Record<string, OtherProxy>>;

/** The ways to a server by their names in a table, the guard first. A way is `undefined` where its program is not there. */
const WAYS: Readonly<Record<string, (target: string) => Promise<RunningServer | undefined>>> = {
  "the guard": (target) => startServer("guarded proxy", target),
  "httpxy without a check": (target) => startServer("bare proxy", target),
  "http-proxy-3 and a check by hand": (target) => startServer("checked proxy", target),
  nginx: (target) => startOther("nginx", target),
  Caddy: (target) => startOther("Caddy", target),
};

/** Starts every way to a server. */
export async function startWays(target: string): Promise<ReadonlyMap<string, RunningServer>> {
  const started = new Map<string, RunningServer>();
  for (const [name, start] of Object.entries(WAYS)) {
    const server = await start(target).catch((error: unknown) => {
      reportMissing(String(error));
      return undefined;
    });
    if (server !== undefined) started.set(name, server);
  }
  return started;
}

async function startOther(name: keyof typeof OTHERS, target: string): Promise<RunningServer | undefined> {
  const { command, file, args, config } = OTHERS[name];
  if (spawnSync(command, ["-v"]).error !== undefined) {
    reportMissing(`${name} is not installed: apt-get install ${command}.`);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "atlas-bench-"));
  await chmod(folder, 0o755);
  const port = await freePort();
  const path = join(folder, file);
  await writeFile(path, config(port, new URL(target), folder));
  const environment = { ...process.env, GOMAXPROCS: "1", XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(command, args(path, folder), {
    stdio: ["ignore", "ignore", "inherit"],
    env: environment,
  });
  // A benchmark that fails must not leave the program behind.
  process.once("exit", () => child.kill("SIGKILL"));
  await answers(port, child, name);
  return { pid: child.pid ?? 0, port, stop: () => stop(child, folder) };
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
  await rm(folder, { recursive: true, force: true });
}

/** Waits until a request without a token is refused, which shows that the check is there. */
async function answers(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt += 1) {
    const status = await fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 401) return;
    if (status !== 0) throw new Error(`${name} answered ${status} to a request without a token.`);
    await sleep(50);
  }
  throw new Error(`${name} does not answer.`);
}
