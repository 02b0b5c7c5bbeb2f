import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { supervisorPath } from "../../src/providers/local/program.ts";
import { context, makeWorld } from "./local/world.ts";

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-program-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test("a program that the package has as text becomes a private file, which its content names", async () => {
  const folder = await emptyFolder();
  const program = { source: "console.log(1)" };
  const path = await supervisorPath(folder, program);
  expect(await readFile(path, "utf8")).toBe(program.source);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await supervisorPath(folder, program)).toBe(path);
  expect(await supervisorPath(folder, { source: "console.log(2)" })).not.toBe(path);
});

test("twenty creates at once write the program whole, and leave no draft", async () => {
  const folder = await emptyFolder();
  const program = { source: "x".repeat(100_000) };
  const paths = await Promise.all(Array.from({ length: 20 }, () => supervisorPath(folder, program)));
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
});

test("a file with other content than its name tells is replaced", async () => {
  const folder = await emptyFolder();
  const program = { source: "console.log(1)" };
  const path = await supervisorPath(folder, program);
  await writeFile(path, "console.log(666)");
  expect(await readFile(await supervisorPath(folder, program), "utf8")).toBe(program.source);
});

test("an instance survives the Ctrl-C that ends the process group of its creator", async () => {
  const world = await makeWorld();
  const script = join(import.meta.dirname, "local/programs/create-many.ts");
  const creator = spawn(process.execPath, [script, world.stateDirectory, "atlas-test-sigint-", "1", "stay"], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void creator.kill("SIGKILL"));
  const [printed] = await once(creator.stdout, "data");
  const [created] = JSON.parse(String(printed));
  process.kill(-Number(creator.pid), "SIGINT");
  expect(await once(creator, "exit")).toEqual([null, "SIGINT"]);
  expect(await world.provider.get(created, context)).toMatchObject({ status: "running" });
});
