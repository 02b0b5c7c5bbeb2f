import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bareEnv } from "../support/bare-env.ts";
import { type CliResult, runCli } from "./run-cli.ts";
import { type RunningCli, startCli } from "./running-cli.ts";

const POD = fileURLToPath(new URL("programs/pod.mjs", import.meta.url));
const TOKEN = /[A-Za-z0-9][A-Za-z0-9_-]{42}/;

let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
  env = { XDG_STATE_HOME: join(folder, "state"), HOME: folder };
});
afterEach(async () => {
  await cli("terminate", "--all", "--yes");
  await rm(folder, { recursive: true });
});

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { env, cwd: folder });
}

function spawn(...flags: string[]): RunningCli {
  return startCli(["spawn", "--port", "8000", ...flags, "--", process.execPath, POD], { env, cwd: folder });
}

async function spawnDetached(...flags: string[]): Promise<{ id: string; token: string; url: string }> {
  const { code, stdout, stderr } = await spawn("--detach", "--json", ...flags).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { id, auth, ports } = JSON.parse(stdout);
  return { id, token: auth.token, url: ports[0].url };
}

describe("atlas-compute spawn", { timeout: 60_000 }, () => {
  it("needs no configuration: prints URL and token once, follows the log, and ends the pod at Ctrl-C", async () => {
    const running = spawn("--env", "GREETING=hi", "--ready", "/healthz");
    const [, url = "", token = ""] = await running.shows(/^url +(\S+)\ntoken +(\S+)$/m);
    expect(token).toMatch(TOKEN);
    expect(await (await fetch(`${url}/from-test`)).text()).toBe("hello\n");
    await running.shows(/GET \/from-test/);
    running.child.kill("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr).toMatch(/placing .*\n.*creating .*\n/s);
    expect(stderr).toMatch(/is terminated \(requested\)\.\n$/);
    expect((stdout + stderr).split(token)).toHaveLength(2);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
    expect(await cli("list")).toMatchObject({ code: 0, stdout: "", stderr: "No compute is live.\n" });
  });

  it("prints no control character of a pod's log", async () => {
    const running = spawn("--env", "GREETING=hi");
    await running.shows(/listening/);
    running.child.kill("SIGTERM");
    const { stdout } = await running.ended;
    expect(stdout).toMatch(/^listening .*red back, greeting hi$/m);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it.each([
    [0, 0, /is terminated \(exited\)/],
    [3, 1, /is terminated \(exited\): .*code 3\.\n$/],
  ])("ends with its pod, which exits with %i", async (status, code, words) => {
    const running = spawn();
    const [, url = ""] = await running.shows(/^url +(\S+)\n/m);
    await fetch(`${url}/end`, { headers: { "x-code": String(status) } }).catch(() => undefined);
    expect(await running.ended).toMatchObject({ code, stderr: expect.stringMatching(words) });
  });

  it("ends a pod that never answers, and tells its last words", async () => {
    const command = [process.execPath, "-e", "console.log('no port here'); setTimeout(() => {}, 60000)"];
    const { code, stdout, stderr } = await cli(
      "spawn",
      "--port",
      "8000",
      "--ready-timeout",
      "1s",
      "--",
      ...command,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/not ready|did not|within 1/i);
    expect((await cli("list")).stdout).toBe("");
  });

  it("ends the pod when Ctrl-C comes before it is ready", async () => {
    const command = [process.execPath, "-e", "setTimeout(() => {}, 60000)"];
    const running = startCli(["spawn", "--detach", "--port", "8000", "--", ...command], { env, cwd: folder });
    await running.shows(/starting/);
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 0, stdout: "" });
    expect((await cli("list", "--all")).stdout).toMatch(/terminated \(requested\)/);
  });

  it.each([[[]], [["--detach", "--json"]]])(
    "ends the pod when the reader of its output is gone, so that it runs for no one: %j",
    async (flags) => {
      const running = spawn(...flags);
      running.child.stdout?.destroy();
      await running.ended;
      expect(await cli("list")).toMatchObject({ code: 0, stdout: "", stderr: "No compute is live.\n" });
    },
  );

  it("goes on when the reader of its progress is gone", async () => {
    const running = spawn();
    running.child.stderr?.destroy();
    await running.shows(/^token +(\S+)$/m);
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await cli("list")).toMatchObject({ code: 0, stdout: "", stderr: "No compute is live.\n" });
  });

  it("leaves a detached pod running, and says when no reaper would end it", async () => {
    const first = await spawn("--detach").ended;
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/No reaper has worked on this store/),
    });
    expect(await cli("reap")).toMatchObject({ code: 0, stderr: "Nothing is due.\n" });
    const second = await spawn("--detach").ended;
    expect(second.stderr).not.toMatch(/No reaper/);
    expect((await cli("list", "--json")).stdout.trim().split("\n")).toHaveLength(2);
  });

  it("shows the token in no other output, and in no file", async () => {
    const { id, token, url } = await spawnDetached("--user", "user_42");
    expect(token).toMatch(TOKEN);
    expect((await fetch(url)).status).toBe(200);
    const outputs = [
      await cli("show", id),
      await cli("show", id, "--json"),
      await cli("list"),
      await cli("logs", id),
      await cli("events", id, "--json"),
    ];
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    const shown = outputs.map(({ stdout, stderr }) => stdout + stderr).join("");
    expect(shown).toContain(id);
    expect(shown).not.toContain(token);
    expect(readFileSync(join(folder, "atlas.db")).includes(token)).toBe(false);
  });

  it("passes variables of the shell and of a file on to the pod, without their values in its arguments", async () => {
    await writeFile(join(folder, "pod.env"), "GREETING=from the file\n");
    const { id } = await spawnDetached("--env-file", "pod.env");
    expect((await cli("logs", id)).stdout).toContain("greeting from the file");
    env = { ...env, GREETING: "from the shell" };
    const other = await spawnDetached("--env-file", "pod.env", "--env", "GREETING");
    expect((await cli("logs", other.id)).stdout).toContain("greeting from the shell");
    expect(await cli("spawn", "--env", "MISSING", "--", "true")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--env MISSING"),
    });
  });

  it("changes a pod: touch, extend, stop, start, and terminate at last", async () => {
    const { id } = await spawnDetached(
      "--lifetime",
      "1h",
      "--request",
      '{"maxExtendedLifetimeSeconds":10800}',
    );
    expect(await cli("touch", id)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/status +running/),
    });
    const extended = JSON.parse((await cli("extend", id, "1h", "--json")).stdout);
    const { lifetimeDeadline, createdAt } = extended;
    expect(Date.parse(lifetimeDeadline) - Date.parse(createdAt)).toBeGreaterThan(7_100_000);
    expect(await cli("stop", id)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/status +stopped/),
    });
    expect(await cli("start", id)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/status +(running|provisioning)/),
    });
    expect(await cli("terminate", id)).toMatchObject({ code: 0, stdout: `${id}  terminated (requested)\n` });
    const events = (await cli("events", id, "--json")).stdout.trim().split("\n");
    const actors = events.map((line) => JSON.parse(line).data.by).filter((by) => by !== undefined);
    expect(actors).toEqual(Array(5).fill(`operator:${userInfo().username}`));
    expect(await cli("touch", id)).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("atlas-compute terminate", { timeout: 60_000 }, () => {
  it("ends no compute of a user, and no two computes, without a question or --yes", async () => {
    const { id } = await spawnDetached("--user", "user_42");
    const refused = await cli("terminate", id);
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--yes") });
    expect(await cli("terminate", "--all")).toMatchObject({ code: 2, stdout: "" });
    expect((await cli("list")).stdout).toContain(id);
    expect(await cli("terminate", "--user", "user_42", "--yes")).toMatchObject({
      code: 0,
      stdout: `${id}  terminated (requested)\n`,
    });
  });

  it.each([
    ["y", 0, /terminated \(requested\)\n$/, /End this compute of a user\?/],
    ["n", 1, /^$/, /Nothing was changed/],
  ])("asks at a terminal, and does what the answer %s says", async (answer, code, stdout, shown) => {
    const { id } = await spawnDetached("--user", "user_42");
    const runner = fileURLToPath(new URL("prompted.py", import.meta.url));
    const program = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const command = [process.execPath, "--no-warnings", program, "terminate", id];
    const output = await promisify(execFile)("python3", [runner, "End this", answer, ...command], {
      cwd: folder,
      env: { ...bareEnv(), ...env },
      timeout: 50_000,
    });
    expect(JSON.parse(output.stdout)).toMatchObject({
      code,
      stdout: expect.stringMatching(stdout),
      shown: expect.stringMatching(shown),
    });
  });

  it("names what is missing or wrong", async () => {
    expect(await cli("terminate")).toMatchObject({ code: 2, stderr: expect.stringContaining("--all") });
    const unknown = await cli("terminate", "3f9k2m7q0x1c8v5b4n6z");
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("3f9k2m7q0x1c8v5b4n6z") });
  });
});
