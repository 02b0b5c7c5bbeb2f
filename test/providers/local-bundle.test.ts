import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { Provider } from "../../src/provider.ts";
import { context, makeWorld, requestFor } from "./local/world.ts";

const sources = join(import.meta.dirname, "../../src/providers/local");
const request = requestFor(["sleep", "60"]);
let folder: string;

async function bundle(source: string, name: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    entryPoints: [join(sources, source)],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22.12",
  });
  return outfile;
}

async function bundledProvider(name: string, stateDirectory: string): Promise<Required<Provider>> {
  const { local } = await import(await bundle("index.ts", name));
  return local({ stateDirectory, stopTimeoutSeconds: 0.3 });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-bundle-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  return () => rm(folder, { recursive: true });
});

test("bundled apart from its supervisor, it is refused with what to do", async () => {
  const world = await makeWorld();
  const provider = await bundledProvider("alone.js", world.stateDirectory);
  const refused = provider.candidates(request, context);
  await expect(refused).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining("serverExternalPackages"),
  });
});

test("bundled beside its supervisor, it runs, and sees what the sources made", async () => {
  const world = await makeWorld();
  const older = await world.create(["sleep", "60"]);
  await bundle("local-supervisor.ts", "local-supervisor.js");
  onTestFinished(() => rm(join(folder, "local-supervisor.js")));
  const provider = await bundledProvider("beside.js", world.stateDirectory);
  const created = await provider.create(request, context);
  const listed = await provider.list({ namePrefix: "atlas-test-" }, context);
  expect(new Set(listed.map(({ name, status }) => `${name} ${status}`))).toEqual(
    new Set([`${older.name} running`, `${created.name} running`]),
  );
  await provider.terminate(created, context);
  await world.reach(created, "terminated");
});
