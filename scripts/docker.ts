/**
 * The tests on a real Docker daemon: `npm run docker`, or `npm run docker -- test/docker/laws` for some of them.
 *
 * They remove every container of the daemon they run on, so that they take none that is in use: `ATLAS_DOCKERD` names a program that starts one
 * of its own (`<program> up <folder>` prints the path of its socket, `<program> down <folder>` ends it), with an image `tiny:1` and two CDI
 * devices `nvidia.com/gpu`. A daemon that is there to be used up can be named in `DOCKER_HOST` together with `ATLAS_DOCKER_DISPOSABLE=1`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputOf, run } from "./run.ts";

const { ATLAS_DOCKERD, ATLAS_DOCKER_DISPOSABLE, CI } = process.env;
const paths = process.argv.slice(2);

async function test(): Promise<void> {
  await run("npm", ["run", "--silent", "build"]);
  await run("npx", ["vitest", "run", "--project", "docker", ...paths]);
  if (paths.length === 0) await run(process.execPath, ["scripts/transcripts.ts", "docs/providers/docker.md"]);
}

async function testOnOwnDaemon(program: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-docker-"));
  try {
    const socket = outputOf("bash", [program, "up", folder]).trim();
    process.env.DOCKER_HOST = `unix://${socket}`;
    process.env.ATLAS_DOCKER_FOLDER = folder;
    await test();
  } finally {
    // The tests have ended, so that a failure here must not hide theirs.
    await run("bash", [program, "down", folder]).catch(console.warn);
    await rm(folder, { recursive: true, force: true });
  }
}

if (ATLAS_DOCKERD !== undefined) await testOnOwnDaemon(ATLAS_DOCKERD);
else if (ATLAS_DOCKER_DISPOSABLE === "1") await test();
else {
  console.log(
    "SKIPPED: the tests on a Docker daemon. Set ATLAS_DOCKERD to a program that starts a daemon for tests.",
  );
  process.exitCode = CI === "true" ? 1 : 0;
}
