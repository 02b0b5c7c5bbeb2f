import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliResult, runCli } from "./run-cli.ts";
import { startCli } from "./running-cli.ts";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
const CONFIG = `
import { createAtlas } from "${SOURCE}index.ts";
import { mock } from "${SOURCE}providers/mock/index.ts";
import { sqliteStore } from "${SOURCE}stores/sqlite/index.ts";
export const atlas = createAtlas({ providers: [mock()], store: sqliteStore("./mine.db"), namespace: "mine" });
`;
const IN_COMMONJS = CONFIG.replaceAll(/^import (.*) from (.*);$/gm, "const $1 = require($2);").replace(
  "export const atlas =",
  "module.exports.atlas =",
);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: folder });
}

async function config(name: string, text: string): Promise<void> {
  await writeFile(join(folder, name), text);
}

describe("the client of a command", { timeout: 60_000 }, () => {
  it.each(["ts", "mts", "mjs", "js", "cts", "cjs"].map((ending) => `atlas.config.${ending}`))(
    "is the one that %s exports",
    async (name) => {
      const text = /c[jt]s$/.test(name) ? IN_COMMONJS : CONFIG;
      await config(name, name.endsWith("ts") ? `${text}const typed: string = "types are stripped";\n` : text);
      await config("package.json", '{ "type": "module" }');
      const types = (await cli("gpus", "--json")).stdout.trim().split("\n");
      expect(types.map((line) => JSON.parse(line).provider)).toContain("mock");
    },
  );

  it("may be the default export, or a function that makes it", async () => {
    await config("made.mjs", CONFIG.replace("export const atlas =", "export default () =>"));
    expect(await cli("list", "--config", "made.mjs")).toMatchObject({
      code: 0,
      stderr: "No compute is live.\n",
    });
  });

  it("is that of the flags where there are any, also beside a file", async () => {
    await config("atlas.config.mjs", "throw new Error('not to be loaded')");
    expect(await cli("list", "--store", "memory")).toMatchObject({ code: 0, stdout: "" });
    expect(await cli("list", "--provider", "local", "--store", "sqlite:other.db")).toMatchObject({ code: 0 });
  });

  it.each([
    ["a file that is not there", "missing.mjs", undefined, /no file .*missing\.mjs/],
    ["a file without a client", "atlas.config.mjs", "export const atlas = {};", /exports no client/],
    [
      "a file that throws",
      "atlas.config.mjs",
      "throw new Error('no key is set')",
      /could not be loaded: no key/,
    ],
    [
      "a function that throws",
      "atlas.config.mjs",
      "export default async () => { throw new Error('no key is set'); };",
      /could not be loaded: no key/,
    ],
    [
      "a file that no parser reads, with its line",
      "atlas.config.ts",
      "\nexport const atlas = {{;",
      /could not be loaded: .*atlas\.config\.ts:2\)/,
    ],
  ])("tells about %s with exit code 2", async (_, name, text, words) => {
    if (text !== undefined) await config(name, text);
    const result = await cli("list", "--config", name);
    expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(words) });
  });

  it("refuses a file together with flags that would not count", async () => {
    const result = await cli("list", "--config", "atlas.config.mjs", "--provider", "local");
    expect(result).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining("--config chooses") });
  });
});

describe("atlas-compute gpus", { timeout: 60_000 }, () => {
  it("shows the places that a request would try, and creates nothing", async () => {
    await config("atlas.config.mjs", CONFIG);
    const places = await cli("gpus", "--for", '{"gpu":["h100","l40s"],"ports":[8000]}', "--json");
    const lines = places.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ position: 1, provider: "mock" });
    expect((await cli("list", "--all")).stdout).toBe("");
  });

  it("tells each refusal with its reason, and exits with 1 when no place is left", async () => {
    await config("atlas.config.mjs", CONFIG);
    const { code, stdout, stderr } = await cli("gpus", "--for", '{"gpu":"h100","maxCostPerHour":0.01}');
    expect({ code, stderr }).toEqual({ code: 1, stderr: "Nothing can place this request now.\n" });
    expect(stdout).toMatch(/^refused {2}mock h100\S*.*: it costs .* maxCostPerHour is 0\.01$/m);
  });

  it("refuses a request that is not valid, without repeating its text", async () => {
    const wrong = await cli("gpus", "--for", '{"env":{"KEY":"secret-value"');
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toContain("Write a JSON object");
    const invalid = await cli("gpus", "--for", '{"gpuCount":0}');
    expect(invalid).toMatchObject({ code: 2, stderr: expect.stringContaining("gpuCount") });
  });
});

describe("atlas-compute reap", { timeout: 60_000 }, () => {
  it("runs pass after pass until a signal, and waits for the one under way", async () => {
    const running = startCli(["reap", "--every", "1s", "--json", "--store", "sqlite:a.db"], {
      env: {},
      cwd: folder,
    });
    // A note in the store tells that a pass has ended.
    const warned = async (): Promise<boolean> => {
      const words = [
        "spawn",
        "--detach",
        "--store",
        "sqlite:a.db",
        "--auth",
        "none",
        "--",
        process.execPath,
        "-e",
        "",
      ];
      const { code, stderr } = await cli(...words);
      return code !== 0 || /No reaper/.test(stderr);
    };
    while (await warned());
    running.child.kill("SIGTERM");
    expect(await running.ended).toMatchObject({ code: 0 });
  });

  it("tells what a pass would do, and changes nothing", async () => {
    expect(await cli("reap", "--dry-run", "--json")).toMatchObject({ code: 0 });
    const { stdout } = await cli("reap", "--dry-run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ terminated: [], failed: [], remaining: false });
  });
});

describe("the command line", { timeout: 60_000 }, () => {
  it.each([
    ["lisst"],
    ["list", "--no-such-flag"],
    ["show"],
    ["extend", "id", "soon"],
    ["list", "--provider", "aws"],
    [],
  ])("answers wrong use with exit code 2 and nothing on stdout: %s %s", async (...args) => {
    expect(await cli(...args.filter((word) => word !== undefined))).toMatchObject({ code: 2, stdout: "" });
  });

  it("tells an error to a program as a problem in one line of JSON", async () => {
    const { code, stdout, stderr } = await cli("show", "3f9k2m7q0x1c8v5b4n6z", "--json");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({
      code: "NOT_FOUND",
      status: 404,
    });
  });

  it("helps with each command by at least one example", async () => {
    const help = (await cli("--help")).stdout;
    const names = [...help.matchAll(/^ {2}([a-z]+) [[<]/gm)].map(([, name = ""]) => name);
    expect(names).toEqual(expect.arrayContaining(["spawn", "list", "terminate", "reap", "gpus", "guard"]));
    const texts = await Promise.all(names.map(async (name) => (await cli(name, "--help")).stdout));
    const without = names.filter((_, index) => !/Examples?:\n {2}\$ /.test(texts[index] ?? ""));
    expect(without.filter((name) => name !== "help")).toEqual([]);
  });

  it("says which flag of Node lets it open the database under --permission", async () => {
    const env = { NODE_OPTIONS: "--permission --allow-fs-read=*" };
    const { code, stderr } = await runCli(["list", "--store", "atlas.db"], { cwd: folder, env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("--allow-fs-write") });
  });

  it("ends quietly when the reader of its output is gone", async () => {
    const running = startCli(["--help"], { env: {}, cwd: folder });
    running.child.stdout?.destroy();
    expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
  });
});
