/** Production builds of webpack, Vite and esbuild, each run where nothing is installed; and a bundle in workerd. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeProject, runCommand, startServer, writeFiles } from "./project.ts";

/** Spawns a compute with `local()`, calls it, ends it, and prints the answer. */
const PROGRAM = `
import { createAtlas } from "atlas-compute";
import { local } from "atlas-compute/local";

const atlas = createAtlas({ providers: [local({ stateDirectory: process.argv[2] })] });
const server = 'require("node:http").createServer((_, response) => response.end("hello")).listen(process.env.PORT, "127.0.0.1")';
const compute = await atlas.spawnCompute({ command: [process.execPath, "-e", server], ports: [8000], auth: "none" });
await compute.waitUntilReady({ timeoutSeconds: 20 });
console.log("answer:", await (await fetch(compute.url(8000))).text());
await compute.terminate();
await atlas.close();
`;

const WEBPACK_CONFIG = `
export default {
  mode: "production", target: "node22", entry: "./program.js", experiments: { outputModule: true },
  output: { path: import.meta.dirname + "/webpack-out", filename: "program.mjs", module: true, chunkFormat: "module" },
};
`;
const VITE_CONFIG = `
export default {
  ssr: { noExternal: true },
  build: { ssr: "program.js", outDir: "vite-out", target: "node22", rollupOptions: { output: { entryFileNames: "program.mjs" } } },
};
`;

/** The build of each bundler, and the folder with the result. */
const BUILDS: Readonly<Record<string, readonly string[]>> = {
  webpack: ["npx", "webpack", "--config", "webpack.config.js"],
  vite: ["npx", "vite", "build", "--config", "vite.config.js"],
  esbuild: [
    ...["npx", "esbuild", "program.js", "--bundle", "--platform=node", "--format=esm", "--target=node22"],
    "--outfile=esbuild-out/program.mjs",
  ],
};

/** Builds with every bundler. The bundle runs apart from the project, so that it finds no package. */
export async function checkBundlers(folder: string, tarball: string): Promise<void> {
  await makeProject(folder, [tarball, "webpack", "webpack-cli", "vite", "esbuild"], {
    "program.js": PROGRAM,
    "webpack.config.js": WEBPACK_CONFIG,
    "vite.config.js": VITE_CONFIG,
  });
  for (const [name, command] of Object.entries(BUILDS)) {
    await runCommand(folder, command);
    const alone = `${folder}-${name}-alone`;
    await runCommand(folder, ["cp", "-r", join(folder, `${name}-out`), alone]);
    const output = await runCommand(alone, ["node", "program.mjs", join(alone, "state")], { seconds: 60 });
    if (!output.includes("answer: hello")) throw new Error(`${name}: the bundle printed\n${output}`);
    console.log(`  ${name}: the bundle spawned a compute with local()`);
  }
}

/** Spawns a compute with \`mock()\` for each request. */
const WORKER = `
import { createAtlas } from "atlas-compute";
import { mock } from "atlas-compute/mock";

export default {
  async fetch() {
    try {
      const atlas = createAtlas({ providers: [mock()] });
      const compute = await atlas.spawnCompute({ image: "ghcr.io/me/server:1", ports: [8000] });
      return new Response("status: " + compute.status);
    } catch (error) {
      return new Response("failed: " + (error?.stack ?? error), { status: 500 });
    }
  },
};
`;
const workerConfig = (port: string): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
    compatibilityDate = "2026-09-01", compatibilityFlags = ["nodejs_compat"],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;

/** Runs a bundle in workerd, where a missing package has an error of its own. */
export async function checkWorkerd(folder: string, tarball: string): Promise<void> {
  await makeProject(folder, [tarball, "workerd", "esbuild"], { "worker.js": WORKER });
  await mkdir(join(folder, "out"));
  const bundle = ["npx", "esbuild", "worker.js", "--bundle", "--format=esm", "--platform=neutral"];
  const options = ["--main-fields=module,main", "--conditions=workerd,worker,import", "--external:node:*"];
  await runCommand(folder, [
    ...bundle,
    ...options,
    "--external:@opentelemetry/api",
    "--outfile=out/worker.mjs",
  ]);
  await copyFile(join(folder, "out/worker.mjs"), join(folder, "worker.mjs"));
  const command = (port: number): readonly string[] => {
    void port;
    return ["npx", "workerd", "serve", "config.capnp"];
  };
  await writeFiles(folder, { "config.capnp": workerConfig("$PORT") });
  const server = await startServer(
    folder,
    (port) => ["sh", "-c", `sed -i 's/\\$PORT/${port}/' config.capnp && exec ${command(port).join(" ")}`],
    "/",
  );
  try {
    const text = await (await fetch(server.url)).text();
    if (!/^status: (running|provisioning)$/.test(text)) throw new Error(`workerd answered ${text}`);
    console.log("  workerd: the bundle spawned a compute");
  } finally {
    server.kill();
  }
}
