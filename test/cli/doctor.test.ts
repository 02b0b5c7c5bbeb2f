import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guardFindings } from "../../src/cli/doctor/control-plane.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { providerFindings } from "../../src/cli/doctor/providers.ts";
import { storeFindings } from "../../src/cli/doctor/store.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { freePort } from "../guard/support/proxied.ts";
import { type CliResult, runCli } from "./run-cli.ts";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
const KEY = "rpa_the-key-of-the-account";

let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
  env = { XDG_STATE_HOME: folder, HOME: folder };
});
afterEach(async () => {
  await cli("terminate", "--all", "--yes");
  await rm(folder, { recursive: true });
});

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: folder, env });
}

async function doctor(
  ...flags: string[]
): Promise<{ code: number | null; findings: readonly Finding[]; text: string }> {
  const { code, stdout, stderr } = await cli("doctor", "--json", ...flags);
  expect(stderr).toBe("");
  return {
    code,
    findings: stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    text: stdout,
  };
}

/** A provider's API and a control plane behind one port, with a clock of their own. */
async function serve(
  answer: (path: string) => { status: number; body: unknown },
  aheadSeconds: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? "");
    const date = new Date(Date.now() + aheadSeconds * 1000).toUTCString();
    response.writeHead(status, { "content-type": "application/json", date }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function configured(base: string): Promise<string> {
  const text = `
import { createAtlas } from "${SOURCE}index.ts";
import { runpod } from "${SOURCE}providers/runpod/index.ts";
import { sqliteStore } from "${SOURCE}stores/sqlite/index.ts";
const store = sqliteStore("./mine.db");
const providers = [runpod({ apiKey: "${KEY}", baseUrl: "${base}/v2", graphqlBaseUrl: "${base}" })];
export const atlas = createAtlas({ providers, store, deployment: "mine", controlUrl: "${base}/api/atlas" });
`;
  await writeFile(join(folder, "atlas.config.mjs"), text);
  return "atlas.config.mjs";
}

describe("atlas-compute doctor", { timeout: 60_000 }, () => {
  it("finds nothing wrong on a new machine, and exits with 0", async () => {
    env = { ...env, ATLAS_DEPLOYMENT: "laptop", ATLAS_SIGNING_KEY: "k".repeat(32) };
    const { code, findings } = await doctor();
    expect(code).toBe(0);
    expect(findings.filter(({ level }) => level === "problem")).toEqual([]);
    const checks = ["client", "local", "store", "control plane"];
    expect([...new Set(findings.map(({ check }) => check))].sort()).toEqual(checks.sort());
    expect(findings.filter(({ level, advice }) => (level === "ok") === (advice !== undefined))).toEqual([]);
    expect(existsSync(join(folder, "atlas.db"))).toBe(false);
  });

  it("leaves an SQLite file of an older version as it is, and says which use migrates it", async () => {
    await cli("list");
    const file = join(folder, "atlas.db");
    const applied = (): unknown => {
      const connection = new DatabaseSync(file);
      const last = connection.prepare("select max(number) as last from atlas_migrations").get()?.last;
      connection.close();
      return last;
    };
    const known = Number(applied());
    const connection = new DatabaseSync(file);
    connection.exec(`delete from atlas_migrations where number = ${known}`);
    connection.close();
    const { code, findings } = await doctor();
    expect([code, applied()]).toEqual([0, known - 1]);
    expect(findings.filter(({ check }) => ["store", "reaper", "guards"].includes(check))).toEqual([
      expect.objectContaining({
        level: "warning",
        message: expect.stringContaining(`${known - 1} of ${known} `),
      }),
    ]);
  });

  it("finds a live compute without a reaper, until one has worked", async () => {
    await cli("spawn", "--detach", "--auth", "none", "--", "sleep", "100");
    const before = await doctor();
    expect(before.code).toBe(1);
    expect(before.findings).toContainEqual(
      expect.objectContaining({
        check: "reaper",
        level: "problem",
        message: expect.stringMatching(/nothing ends the 1 live compute$/),
      }),
    );
    await cli("reap");
    const after = await doctor();
    expect(after.code).toBe(0);
    expect(after.findings).toContainEqual(
      expect.objectContaining({
        check: "reaper",
        level: "ok",
        message: expect.stringMatching(/a pass ended \d+s ago/),
      }),
    );
  });

  it("finds a rejected key, a wrong base path, an address that pods cannot reach, and a wrong clock", async () => {
    const server = await serve(() => ({ status: 401, body: { message: `no such key: ${KEY}` } }), 3600);
    const { port } = Object(server.address());
    const { code, findings, text } = await doctor("--config", await configured(`http://127.0.0.1:${port}`));
    server.close();
    expect(code).toBe(1);
    const problems = findings.filter(({ level }) => level === "problem");
    expect(problems.map(({ check, message, advice }) => `${check}: ${message} → ${advice}`)).toEqual([
      expect.stringMatching(/^runpod: .*401.* → make a new key/),
      expect.stringMatching(/^control plane: .*\/api\/atlas\/health answers 401.* → set basePath/),
      expect.stringMatching(
        /^control plane: pods of runpod cannot reach .* → set controlUrl to a public https/,
      ),
      expect.stringMatching(
        /^clock: this machine's clock is (1h|59m \d+s) behind that of .* → set the clock by NTP/,
      ),
    ]);
    expect(text).not.toContain(KEY);
  });

  it("finds a valid key, a healthy control plane and a right clock by the same answers", async () => {
    const data = { myself: { clientBalance: 12, currentSpendPerHr: 0.25 } };
    const answer = (path: string): { status: number; body: unknown } =>
      path.startsWith("/api/atlas/health")
        ? { status: 200, body: { status: "ok" } }
        : { status: 200, body: { pods: [], gpus: [], cpus: [], nextCursor: null, data } };
    const server = await serve(answer, 0);
    const { port } = Object(server.address());
    const { findings } = await doctor("--config", await configured(`http://127.0.0.1:${port}`));
    server.close();
    const fine = findings
      .filter(({ level }) => level === "ok")
      .map(({ check, message }) => `${check}: ${message}`);
    expect(fine).toContainEqual(expect.stringMatching(/^runpod: the account answers, and shows 0 instances/));
    expect(fine).toContainEqual("runpod: $12.00 are left, which last for 2d at $0.25 an hour");
    expect(fine).toContainEqual(expect.stringMatching(/^control plane: .* answers$/));
    expect(fine).toContainEqual(expect.stringMatching(/^clock: .* agrees with that of http/));
  });

  it("finds a control plane and a provider that do not answer", async () => {
    const { code, findings } = await doctor(
      "--config",
      await configured(`http://127.0.0.1:${await freePort()}`),
    );
    expect(code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "control plane",
        message: expect.stringMatching(/cannot be reached from here \(ECONNREFUSED\)/),
      }),
    );
  });

  it("finds a store that belongs to another deployment, and names the command that adopts it", async () => {
    env = { ...env, ATLAS_DEPLOYMENT: "production" };
    await cli("spawn", "--detach", "--auth", "none", "--", "true");
    env = { ...env, ATLAS_DEPLOYMENT: "preview" };
    const { code, findings } = await doctor();
    env = { ...env, ATLAS_DEPLOYMENT: "production" };
    expect(code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "store",
        level: "problem",
        advice: expect.stringContaining("adopt --moved"),
      }),
    );
  });

  it("writes lines for people with marks, and each advice below its finding", async () => {
    const { stdout } = await cli("doctor");
    expect(stdout).toMatch(/^ok {4}client {9}Node /m);
    expect(stdout).toMatch(/^warn {2}client {9}.*\n {21}→ set signingKey/m);
  });
});

describe("the findings of doctor", () => {
  it("tell the age of work that no reaper takes up", async () => {
    const clock = manualClock();
    const atlas = createAtlas({ providers: [mock({ clock })], store: memoryStore({ clock }), clock });
    await atlas.spawnCompute({ gpu: "h100", maxLifetimeSeconds: 60 });
    await clock.advance(7260);
    const findings = await storeFindings(atlas.parts());
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: "reaper",
        level: "problem",
        message: expect.stringMatching(/overdue by 2h/),
      }),
    );
  });

  it("tell the versions of guards that differ from this one", async () => {
    const clock = manualClock();
    const atlas = createAtlas({ providers: [mock({ clock })], store: memoryStore({ clock }), clock });
    const compute = await atlas.spawnCompute({ gpu: "h100" });
    expect(await guardFindings(atlas.parts())).toEqual([]);
    await atlas.recordReport(compute.id, "status", { status: "ready", detail: "guard 0.0.9" });
    expect(await guardFindings(atlas.parts())).toEqual([
      expect.objectContaining({ level: "warning", message: expect.stringContaining("1 of 0.0.9") }),
    ]);
  });

  it.each([
    [{ clientBalance: 0, currentSpendPerHr: 0 }, "problem", "no credit is left"],
    [
      { clientBalance: 4, currentSpendPerHr: 2 },
      "warning",
      "$4.00 are left, which last for 2h at $2.00 an hour",
    ],
    [{ clientBalance: 4, currentSpendPerHr: 0 }, "ok", "$4.00 are left, and nothing is spent now"],
    [null, "warning", expect.stringMatching(/^its balance is not known: /)],
  ])("judge the credit of an account: %j", async (myself, level, message) => {
    const answers: typeof fetch = async (input) =>
      Response.json(
        String(Object(input).url ?? input).endsWith("/graphql")
          ? { data: { myself } }
          : { pods: [], gpus: [], cpus: [] },
      );
    const atlas = createAtlas({ providers: [runpod({ apiKey: KEY, fetch: answers })] });
    const findings = await providerFindings(atlas.parts());
    expect(findings.at(-1)).toMatchObject({ check: "runpod", level, message });
    expect(JSON.stringify(findings)).not.toContain(KEY);
  });
});
