import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mock } from "../../src/providers/mock/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { createTenants } from "../../src/tenants/index.ts";
import { startPostgres } from "../stores/postgres-server.ts";
import { type CliResult, runCli } from "./run-cli.ts";

const encryptionKey = Buffer.alloc(32, 5).toString("base64");
const CREDENTIAL = /^[A-Za-z0-9_-]{43}\n$/;

let folder: string;
let files = 0;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
});
beforeEach(() => {
  files += 1;
  env = { ATLAS_DATABASE: join(folder, `${files}.db`), ATLAS_ENC_KEY: encryptionKey };
});
afterAll(() => rm(folder, { recursive: true }));

function tenants(args: string, input = ""): Promise<CliResult> {
  return runCli(["tenants", ...args.split(" ")], { env, input });
}

describe("atlas-compute tenants", { timeout: 60_000 }, () => {
  it("registers a tenant whose credential, alone on stdout, and key then work", async () => {
    const { code, stdout, stderr } = await tenants("add acme --provider mock", "key-of-acme\n");
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(CREDENTIAL) });
    expect(stderr).not.toMatch(new RegExp(`${stdout.trim()}|key-of-acme`));
    const keys: string[] = [];
    const providers = {
      mock: (key: string) => {
        keys.push(key);
        return mock();
      },
    };
    await using registry = createTenants({
      store: sqliteStore(env.ATLAS_DATABASE ?? ""),
      providers,
      encryptionKey,
    });
    const authorization = `Bearer ${stdout.trim()}`;
    const tenant = await registry.authenticate(
      new Request("https://c.example", { headers: { authorization } }),
    );
    await registry.atlasFor({ id: tenant?.id ?? "" });
    expect([tenant?.name, keys]).toEqual(["acme", ["key-of-acme"]]);
  });

  it("lists tenants for people and for programs, without any secret", async () => {
    const { stdout: credential } = await tenants("add acme --provider runpod", "key-of-acme");
    await tenants("add beta");
    await tenants("revoke beta");
    const table = (await tenants("list")).stdout;
    expect(table.split("\n")[0]).toMatch(/^NAME +CREDENTIALS +PROVIDER KEYS +CREATED +LAST USED$/);
    expect(table).toMatch(/^acme +1 +runpod +\S+Z +never$/m);
    expect(table).toMatch(/^beta +revoked +- +\S+Z +never$/m);
    const lines = (await tenants("list --json")).stdout.trim().split("\n");
    const json: readonly unknown[] = lines.map((line) => JSON.parse(line));
    expect(json).toEqual([
      expect.objectContaining({ name: "acme", credentials: 1, providers: ["runpod"] }),
      expect.objectContaining({ name: "beta", credentials: 0, providers: [] }),
    ]);
    expect(table + JSON.stringify(json)).not.toMatch(new RegExp(`${credential.trim()}|key-of-acme|enc:v`));
  });

  it("seals every key with the first encryption key, after which the old one is not needed", async () => {
    await tenants("add acme --provider runpod", "key-of-acme");
    const old = env.ATLAS_ENC_KEY;
    const fresh = Buffer.alloc(32, 6).toString("base64");
    env = { ...env, ATLAS_ENC_KEY: `${fresh},${old}` };
    expect((await tenants("reseal")).stderr).toBe(
      "1 provider keys are sealed with the first key of ATLAS_ENC_KEY now.\n",
    );
    env = { ...env, ATLAS_ENC_KEY: fresh };
    expect(await tenants("reseal")).toMatchObject({ code: 0, stderr: expect.stringMatching(/^0 /) });
    env = { ...env, ATLAS_ENC_KEY: old ?? "" };
    const { code, stderr } = await tenants("reseal");
    expect(code).not.toBe(0);
    expect(stderr).toContain("acme/runpod");
    expect(stderr).not.toMatch(/key-of-acme|enc:v/);
  });

  it("rotates a credential, and with --provider the key instead", async () => {
    const added = await tenants("add acme");
    const rotated = await tenants("rotate acme --overlap-seconds 60");
    expect(rotated).toMatchObject({ code: 0, stdout: expect.stringMatching(CREDENTIAL) });
    expect(rotated.stdout).not.toBe(added.stdout);
    expect(await tenants("rotate acme --provider fly", "key\n")).toMatchObject({ code: 0, stdout: "" });
    const tenant = JSON.parse((await tenants("list --json")).stdout);
    expect(tenant).toMatchObject({ credentials: 2, providers: ["fly"] });
  });

  it("revokes without an encryption key, because a revocation may be urgent", async () => {
    await tenants("add acme");
    env = { ATLAS_DATABASE: env.ATLAS_DATABASE ?? "" };
    expect(await tenants("revoke acme")).toMatchObject({ code: 0, stdout: "" });
  });

  it("asks a person for the key without showing it", async () => {
    const runner = fileURLToPath(new URL("prompted.py", import.meta.url));
    const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const command = [
      process.execPath,
      "--no-warnings",
      program,
      "tenants",
      "add",
      "acme",
      "--provider",
      "mock",
    ];
    const output = await promisify(execFile)("python3", [runner, "The key of", "key-of-acme", ...command], {
      env: { ...process.env, ...env },
      timeout: 50_000,
    });
    const { code, shown, stdout } = JSON.parse(output.stdout);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(CREDENTIAL) });
    expect(shown).toContain("The key of acme for mock");
    expect(shown).not.toContain("key-of-acme");
    expect(JSON.parse((await tenants("list --json")).stdout)).toMatchObject({ providers: ["mock"] });
  });

  it.each<[string, number, string, RegExp]>([
    ["a name that is taken", 1, "add taken", /taken.*choose another name/],
    ["an unknown tenant", 1, "rotate missing", /no tenant is called "missing"/],
    ["an invalid name", 2, "add not/a/name", /name: got/],
    ["an empty key", 2, "add acme --provider mock", /key for mock is not valid/],
    ["an invalid provider name", 2, "add acme --provider M", /name of a provider/],
  ])("refuses %s with exit code %i, and writes nothing to stdout", async (_, code, args, message) => {
    await tenants("add taken");
    expect(await tenants(args)).toEqual({ code, stdout: "", stderr: expect.stringMatching(message) });
  });

  it.each(["add", "rotate acme --overlap-seconds soon", "add acme --key rpa_key", "--namespace N list"])(
    "refuses a command line that is wrong with exit code 2: %s",
    async (args) => {
      expect(await tenants(args)).toMatchObject({ code: 2, stdout: "" });
    },
  );

  it("names the missing setting: the database, the encryption key", async () => {
    const without = await runCli(["tenants", "list"], {});
    expect(without).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining("ATLAS_DATABASE") });
    env = { ATLAS_DATABASE: env.ATLAS_DATABASE ?? "" };
    const keyless = await tenants("add acme --provider mock", "key");
    expect(keyless).toEqual({ code: 1, stdout: "", stderr: expect.stringContaining("ATLAS_ENC_KEY") });
    expect((await tenants("list --json")).stdout).toBe("");
  });

  it.each(["postgres://ann:hunter2@db.example/atlas", "postgres://db.example/atlas?password=hunter2"])(
    "takes no password in its arguments: %s",
    async (place) => {
      const result = await runCli(["tenants", "--store", place, "list"], { env });
      expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining("ATLAS_DATABASE") });
      expect(result.stderr).not.toContain("hunter2");
    },
  );

  it.each(["postgress", "mysql", "file"])(
    "takes no %s: URL for the path of a file, and does not repeat its password",
    async (scheme) => {
      const set = { ATLAS_DATABASE: `${scheme}://ann:hunter2@db.example/atlas` };
      const result = await runCli(["tenants", "list"], { env: set, cwd: folder });
      expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(`with ${scheme}:.`) });
      expect(result.stderr).not.toContain("hunter2");
    },
  );

  it("names the package to install when PostgreSQL's driver is missing", async () => {
    const elsewhere = { env: { ATLAS_DATABASE: "postgres://127.0.0.1:1/none" }, cwd: folder };
    const result = await runCli(["tenants", "list"], elsewhere);
    expect(result).toEqual({ code: 1, stdout: "", stderr: expect.stringContaining("npm install pg") });
  });

  it("works on PostgreSQL", async () => {
    const server = await startPostgres();
    const pool = server.pool();
    await postgresStore(pool).migrate();
    env = { ...env, ATLAS_DATABASE: server.connectionString };
    expect(await tenants("add acme --provider mock", "key")).toMatchObject({ code: 0 });
    expect((await tenants("list")).stdout).toMatch(/^acme +1 +mock/m);
    await server.stop();
    const down = await tenants("list");
    expect(down).toEqual({ code: 1, stdout: "", stderr: expect.stringContaining("cannot be reached") });
    expect(down.stderr).not.toContain("secret");
  });
});
