import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { local } from "../../src/providers/local/index.ts";
import { waitFor } from "./support/proxied.ts";

const POD = fileURLToPath(new URL("support/pod.ts", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-dead-man-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a local() pod with a dead man's switch ends itself after its deadline", async () => {
  const atlas = createAtlas({ providers: [local({ stateDirectory: folder })] });
  const request = { command: [process.execPath, POD], ports: [8000], maxLifetimeSeconds: 5 };
  const mortal = await atlas.spawnCompute({ ...request, env: { POD_DEAD_MAN: "on" } });
  const immortal = await atlas.spawnCompute(request);
  const call = (url: string): Promise<number> =>
    fetch(url).then(
      ({ status }) => status,
      () => 0,
    );
  const [ended, living] = [mortal.url(8000), immortal.url(8000)];
  await waitFor(async () => (await call(living)) === 401);
  await waitFor(async () => (await call(ended)) === 401);
  await waitFor(async () => (await call(ended)) === 0);
  expect(await call(living)).toBe(401);
  await Promise.all([atlas.terminate(mortal.id), atlas.terminate(immortal.id)]);
  await atlas.close();
});
