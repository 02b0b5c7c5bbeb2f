import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, runCli } from "../cli/run-cli.ts";
import { startCli } from "../cli/running-cli.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";

const daemon = new TestDaemon(daemonSocket());
const KEEP = [
  "--user",
  "user_42",
  "--slot",
  "notebook",
  "--request",
  '{"providerOptions":{"docker":{"volume":"keep"}}}',
];
const SERVER = ["sh", "-c", "echo serving; exec httpd -f -p 8000 -h /www"];

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  await daemon.clear();
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
  env = { DOCKER_HOST: `unix://${daemon.socket}`, HOME: folder };
});
afterAll(async () => {
  await daemon.clear();
  await rm(folder, { recursive: true });
});

/** The provider stands before the operands of `spawn`. */
function cli(command: string, ...args: string[]): Promise<CliResult> {
  return runCli([command, "--provider", "docker", ...args], { env, cwd: folder });
}

describe("the command line on a daemon", () => {
  test("spawns a container, follows its log, ends it at Ctrl-C, and leaves nothing", async () => {
    const flags = ["--provider", "docker", "--image", "tiny:1", "--port", "8000", "--ready", "/"];
    const running = startCli(["spawn", ...flags, "--", ...SERVER], { env, cwd: folder });
    const [, url = "", token = ""] = await running.shows(/^url +(\S+)\ntoken +(\S+)$/m);
    expect(await (await fetch(url)).text()).toBe("hello\n");
    await running.shows(/^serving$/m);
    const { stdout: processes } = await promisify(execFile)("ps", ["-eo", "args"]);
    expect(processes).not.toContain(token);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/is terminated \(requested\)/),
    });
    expect(await daemon.containers()).toEqual([]);
  });

  test("lists the GPUs that a request could have, and the places that it would try", async () => {
    expect(await cli("gpus")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^GPU +PROVIDER/) });
    const places = await cli("gpus", "--for", '{"gpu":"any","image":"tiny:1"}', "--json");
    expect(JSON.parse(places.stdout.split("\n")[0] ?? "")).toMatchObject({ position: 1, provider: "docker" });
  });

  test("lists a user's kept volume and removes it, but no volume of a stranger and none in use", async () => {
    const spawned = await cli(
      "spawn",
      "--detach",
      "--json",
      "--ready",
      "/",
      "--image",
      "tiny:1",
      "--port",
      "8000",
      ...KEEP,
      "--",
      ...SERVER,
    );
    expect(spawned).toMatchObject({ code: 0 });
    const { id } = JSON.parse(spawned.stdout);
    const { name } = JSON.parse(
      (await cli("volumes", "list", "--user", "user_42", "--slot", "notebook", "--json")).stdout,
    );
    expect((await cli("volumes", "list")).stdout).toContain(name);
    expect((await cli("volumes", "list", "--user", "another")).stdout).toBe("");
    expect(await cli("volumes", "remove", name, "--yes")).toMatchObject({ code: 1, stdout: "" });
    expect(await cli("terminate", id, "--yes")).toMatchObject({ code: 0 });
    expect(await cli("volumes", "remove", name)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
    expect(await cli("volumes", "remove", "stranger", "--yes")).toMatchObject({ code: 1 });
    expect(await cli("volumes", "remove", name, "--yes")).toMatchObject({
      code: 0,
      stderr: `Volume ${name} is removed.\n`,
    });
    expect(await cli("volumes", "list")).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "No volume is kept.\n",
    });
  });
});
