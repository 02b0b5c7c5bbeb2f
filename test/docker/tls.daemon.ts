import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as requestHttp } from "node:http";
import { createServer as createTlsServer, request as requestHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { docker } from "../../src/providers/docker/index.ts";
import { failureOf } from "../support/failure-of.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";
import { createRequest, quietContext } from "./subject.ts";

const daemon = new TestDaemon(daemonSocket());
const context = quietContext();
const hasCaddy = spawnSync("caddy", ["version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "atlas-tls-"));
const file = (name: string): string => join(folder, name);

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
}

/** A certificate by the test's own authority. */
function issue(name: string, subject: string): void {
  openssl(
    ..."req -newkey rsa:2048 -nodes".split(" "),
    "-keyout",
    `${name}-key.pem`,
    "-out",
    `${name}.csr`,
    "-subj",
    "/CN=test",
  );
  execFileSync("sh", ["-c", `printf 'subjectAltName=${subject}' > ${name}.ext`], { cwd: folder });
  const authority = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial"];
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    ...authority,
    "-days",
    "1",
    "-extfile",
    `${name}.ext`,
    "-out",
    `${name}.pem`,
  );
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return portOf(server);
}

beforeAll(async () => {
  await daemon.clear();
  openssl(
    ..."req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -days 1 -subj /CN=authority".split(
      " ",
    ),
  );
  issue("server", "DNS:localhost,DNS:*.gpu.test");
  issue("client", "DNS:client");
  copyFileSync(file("client.pem"), file("cert.pem"));
  copyFileSync(file("client-key.pem"), file("key.pem"));
});

afterAll(async () => {
  await daemon.clear();
  rmSync(folder, { recursive: true });
});

test("a remote daemon is reached by TLS with certificates of its own, and by no other way", async () => {
  const keys = {
    ca: readFileSync(file("ca.pem")),
    cert: readFileSync(file("server.pem")),
    key: readFileSync(file("server-key.pem")),
  };
  const server = createTlsServer(
    { ...keys, requestCert: true, rejectUnauthorized: true },
    (incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const onward = requestHttp({ socketPath: daemon.socket, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    },
  );
  const address = `tcp://localhost:${await listen(server, "127.0.0.1")}`;
  const remote = docker({ daemon: address, certPath: folder });
  const created = await remote.create(createRequest(), context);
  expect((await remote.list({ namePrefix: "atlas-" }, context)).map(({ name }) => name)).toEqual([
    created.name,
  ]);
  await remote.terminate(created, context);
  expect(await daemon.containers()).toEqual([]);
  const without = docker({ daemon: address, certPath: mkdtempSync(join(folder, "none-")) });
  expect(await failureOf(without.list({ namePrefix: "atlas-" }, context))).toMatchObject({
    code: "VALIDATION",
  });
  server.closeAllConnections();
  server.close();
});

/** Asks Caddy for a host, as a browser would whose DNS knows the domain. */
async function ask(
  host: string,
  port: number,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      servername: host,
      ca: readFileSync(file("ca.pem")),
      headers: { host, ...headers },
    };
    const outgoing = requestHttps(options, async (answer) =>
      resolve({ status: answer.statusCode ?? 0, body: await text(answer) }),
    );
    outgoing.on("error", reject).end();
  });
}

test.skipIf(!hasCaddy)(
  "Caddy gives each compute a name with TLS, and reaches nothing else (needs caddy)",
  async () => {
    const port = 18_443;
    const env = {
      ...process.env,
      GPU_DOMAIN: "gpu.test",
      GPU_HTTPS_PORT: String(port),
      GPU_CERT: file("server.pem"),
      GPU_KEY: file("server-key.pem"),
    };
    const caddy = spawn("caddy", ["run", "--config", "docker/Caddyfile", "--adapter", "caddyfile"], {
      env,
      stdio: "ignore",
    });
    const other = createServer((_, outgoing) => outgoing.end("not for the outside"));
    try {
      const provider = docker({
        daemon: `unix://${daemon.socket}`,
        host: "127.0.0.77",
        url: `https://{port}.gpu.test:${port}`,
      });
      const { ports } = await provider.create(createRequest(), context);
      const { hostname } = new URL(ports[0]?.url ?? "");
      expect(hostname).toBe(`${ports[0]?.external}.gpu.test`);
      await expect
        .poll(() => ask(hostname, port).catch(String), { timeout: 10_000 })
        .toEqual({ status: 200, body: "hello\n" });
      await new Promise<void>((resolve) => other.listen(8_822, "127.0.0.77", resolve));
      for (const host of [
        "8822.gpu.test",
        "22.gpu.test",
        "61000.gpu.test",
        "32767.gpu.test",
        "327680.gpu.test",
      ])
        expect(await ask(host, port)).toEqual({ status: 404, body: "no such compute" });
    } finally {
      caddy.kill();
      other.close();
    }
  },
);
