import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { bundleSupervisor, embed } from "../../scripts/bundle.ts";
import type { Provider } from "../../src/provider.ts";
import { context, makeWorld, requestFor } from "./local/world.ts";

const source = join(import.meta.dirname, "../../src/providers/local/index.ts");
const request = requestFor(["sleep", "60"]);
let folder: string;

async function bundledProvider(
  name: string,
  stateDirectory: string,
  supervisor?: string,
): Promise<Required<Provider>> {
  const outfile = join(folder, name);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22.12",
    plugins: supervisor === undefined ? [] : [embed(supervisor)],
  });
  const { local } = await import(outfile);
  return local({ stateDirectory, stopTimeoutSeconds: 0.3 });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-bundle-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  return () => rm(folder, { recursive: true });
});

test("bundled from its sources without its supervisor, it is refused with what to do", async () => {
  const world = await makeWorld();
  const provider = await bundledProvider("alone.js", world.stateDirectory);
  const refused = provider.candidates(request, context);
  await expect(refused).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining("serverExternalPackages"),
  });
});

test("bundled as the package is, into one file alone, it runs, and sees what the sources made", async () => {
  const world = await makeWorld();
  const older = await world.create(["sleep", "60"]);
  const { text } = await bundleSupervisor();
  const provider = await bundledProvider("whole.js", world.stateDirectory, text);
  const created = await provider.create(request, context);
  const listed = await provider.list({ namePrefix: "atlas-test-" }, context);
  expect(new Set(listed.map(({ name, status }) => `${name} ${status}`))).toEqual(
    new Set([`${older.name} running`, `${created.name} running`]),
  );
  await provider.terminate(created, context);
  await world.reach(created, "terminated");
});

test("a supervisor that dies before its first word has started nothing, and the error says so at once", async () => {
  const world = await makeWorld();
  const provider = await bundledProvider(
    "broken.js",
    world.stateDirectory,
    'import "./chunk-that-is-lost.js";',
  );
  await expect(provider.create(request, context)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    mayHaveCreated: false,
    message: expect.stringContaining("ended with 1 before it answered; nothing was started"),
  });
  expect(await provider.find(request.name, context)).toEqual([]);
  await expect(world.provider.create(request, context)).resolves.toMatchObject({ name: request.name });
});
