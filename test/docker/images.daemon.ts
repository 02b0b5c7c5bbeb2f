import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { createNodeFetch } from "../../src/internal/node-fetch.ts";
import { docker } from "../../src/providers/docker/index.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";

/** A program in the place of a template's own: it serves `hello` at the port that it is told, else at 8001. */
const STAND_IN = `#!/bin/sh
port=8001
while [ $# -gt 0 ]; do [ "$1" = --port ] && port=$2; shift; done
exec httpd -f -p 127.0.0.1:$port -h /www
`;
const SERVERS = ["vllm", "python", "jupyter"];
const TOOLS = ["apt-get", "git", "pip", "rm"];
const TEMPLATES = ["vllm", "comfyui", "jupyter", "python"];

const daemon = new TestDaemon(daemonSocket());
const made: string[] = [];
let folder: string;

async function post(path: string, context: Buffer): Promise<string> {
  const fetch = createNodeFetch({ socketPath: daemon.socket });
  const headers = { "content-type": "application/x-tar" };
  const answer = await fetch(`http://docker${path}`, {
    method: "POST",
    headers,
    body: new Uint8Array(context),
  });
  const text = await answer.text();
  if (answer.status !== 200 || text.includes('"error"')) throw new Error(`${path}: ${text}`);
  return text;
}

function tarOf(path: string): Buffer {
  return execFileSync("tar", ["-C", path, "-c", "."], { maxBuffer: 500_000_000 });
}

async function buildImage(tag: string, context: string): Promise<void> {
  await post(`/build?t=${encodeURIComponent(tag)}`, tarOf(context));
  made.push(tag);
}

/** The image that a Dockerfile's last stage begins from. */
async function baseOf(template: string): Promise<string> {
  const text = await readFile(join("docker", template, "Dockerfile"), "utf8");
  return /^FROM (\S+)$/m.exec(text)?.[1] ?? "";
}

/** Puts an image of busybox in the place of a template's base, which no registry here has. */
async function standInFor(base: string): Promise<void> {
  const context = await mkdtemp(join(folder, "base-"));
  for (const name of SERVERS) await writeFile(join(context, name), STAND_IN, { mode: 0o755 });
  for (const name of TOOLS) await writeFile(join(context, name), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  await writeFile(
    join(context, "Dockerfile"),
    `FROM tiny:1\nCOPY ${[...SERVERS, ...TOOLS].join(" ")} /bin/\n`,
  );
  await buildImage(base, context);
}

/** The image of the guard, laid out by the script of its Dockerfile. */
async function importGuard(): Promise<void> {
  const layer = join(folder, "layer");
  execFileSync("docker/guard/layer.sh", ["node_modules/node/bin/node", "dist/guard.mjs", layer]);
  const entrypoint = encodeURIComponent('ENTRYPOINT ["/opt/atlas/bin/node","/opt/atlas/guard.mjs"]');
  await post(`/images/create?fromSrc=-&repo=atlas-guard&tag=latest&changes=${entrypoint}`, tarOf(layer));
  made.push("atlas-guard:latest");
}

beforeAll(async () => {
  await daemon.clear();
  folder = await mkdtemp(join(tmpdir(), "atlas-images-"));
  await importGuard();
});

afterAll(async () => {
  await daemon.clear();
  for (const tag of made.reverse()) await daemon.ask(`/images/${tag}?force=true`, "DELETE");
  await rm(folder, { recursive: true });
});

test("the guard's image is one layer, and runs without anything else in its container", async () => {
  const { RootFS } = JSON.parse((await daemon.ask("/images/atlas-guard:latest/json")).text);
  expect(RootFS.Layers).toHaveLength(1);
  const body = { Image: "atlas-guard:latest", Cmd: ["--help"] };
  await daemon.ask("/containers/create?name=help", "POST", body);
  await daemon.ask("/containers/help/start", "POST");
  const { json } = await daemon.ask("/containers/help/wait", "POST");
  expect(json).toMatchObject({ StatusCode: 0 });
  expect((await daemon.ask("/containers/help/logs?stdout=true")).text).toContain("--target");
});

describe("a template", () => {
  test("is listed here when it is in the folder", async () => {
    const entries = await readdir("docker", { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders.toSorted()).toEqual(["guard", ...TEMPLATES].toSorted());
  });

  test.each(TEMPLATES)(
    "%s is built on a stand-in of its base, and opens only with the token",
    async (template) => {
      await standInFor(await baseOf(template));
      const image = `template-${template}:latest`;
      await buildImage(image, resolve("docker", template));
      const atlas = createAtlas({ providers: [docker({ daemon: `unix://${daemon.socket}` })] });
      {
        await using compute = await atlas.spawnCompute({ image, ports: [8000], userId: "ada" });
        await compute.waitUntilReady({ timeoutSeconds: 60 });
        const url = compute.url(8000);
        expect((await fetch(url)).status).toBe(401);
        const answer = await fetch(url, { headers: compute.auth.headers });
        expect([answer.status, await answer.text()]).toEqual([200, "hello\n"]);
      }
      await atlas.close();
      expect(await daemon.containers()).toEqual([expect.objectContaining({ Names: ["/help"] })]);
    },
  );
});

test("the quickstart tells its story on the daemon", async () => {
  const context = await mkdtemp(join(folder, "node-"));
  const dockerfile =
    "FROM tiny:1\nCOPY --from=atlas-guard /opt/atlas /opt/atlas\nENV PATH=/opt/atlas/bin:/bin\n";
  await writeFile(join(context, "Dockerfile"), dockerfile);
  await buildImage("node:24-slim", context);
  const env = { ...process.env, DOCKER_HOST: `unix://${daemon.socket}` };
  const told = execFileSync(process.execPath, ["examples/quickstart/main.ts", "--provider", "docker"], {
    env,
  });
  expect(String(told)).toContain("Every check passed.");
});
