import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

const run = promisify(execFile);
const TYPED = fileURLToPath(new URL("typed.py", import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-cli-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await runCli(["completions", shell]);
    await writeFile(join(folder, shell), stdout);
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** The words that a shell offers for a line that ends where the cursor is. */
type Complete = (line: string) => Promise<readonly string[]>;

const inBash: Complete = async (line) => {
  const words = line.split(" ");
  const script = `source ${folder}/bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _atlas_compute; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await run("bash", ["--norc", "-c", script], { cwd: folder })).stdout.split("\n").filter(Boolean);
};

const inFish: Complete = async (line) => {
  const script = `source ${folder}/fish; complete -C '${line}'`;
  const { stdout } = await run("fish", ["--no-config", "-c", script], {
    cwd: folder,
    env: { ...process.env, HOME: folder },
  });
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((found) => found.split("\t")[0] ?? "");
};

/** Types the line and a tabulator into a real zsh, and reads what it lists: all words of its screen after that. */
const inZsh: Complete = async (line) => {
  const { stdout } = await run("python3", [TYPED, `${folder}/zsh`, line], {
    cwd: folder,
    env: { ...process.env, HOME: folder },
  });
  return stdout.split(/\s+/).filter(Boolean);
};

describe.each([
  ["bash", inBash],
  ["zsh", inZsh],
  ["fish", inFish],
] as const)("completions of %s, in the shell itself", { timeout: 60_000 }, (_, complete) => {
  it("offer every command", async () => {
    const words = await complete("atlas-compute ");
    expect(words).toEqual(expect.arrayContaining(["spawn", "list", "terminate", "tenants", "completions"]));
  });

  it("offer the subcommands and the options of the command at hand, also behind options with values", async () => {
    const rest = await complete("atlas-compute tenants --namespace list r");
    expect(rest).toEqual(expect.arrayContaining(["rotate", "revoke", "reseal"]));
    const options = await complete("atlas-compute spawn --gpu list --de");
    expect(options.join(" ")).toMatch(/--detach/);
    expect(await complete("atlas-compute list --")).not.toContain("--detach");
  });

  it("offer the values of an option that has a closed list", async () => {
    const values = await complete("atlas-compute spawn --provider ");
    expect(values).toEqual(expect.arrayContaining(["local", "docker", "runpod", "fly"]));
    expect(values).not.toContain("terminate");
  });
});

describe("atlas-compute completions", { timeout: 60_000 }, () => {
  it("names the shells that it knows", async () => {
    const result = await runCli(["completions", "tcsh"]);
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/bash, zsh, fish/) });
  });
});
