/**
 * Runs the packed package under every runtime that docs/runtimes.md names: `npm run runtimes`, after a build. Each installs from the registry, and runs smoke.js.
 * `npm run runtimes -- deno` runs one of them. The last lines are the table of the page; with `--write` they go there.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { fakeRunpod } from "../../test/fakes/runpod.ts";
import { serveFake } from "../../test/fakes/serve.ts";
import { makeProject, runCommand, startServer, writeFiles } from "../frameworks/project.ts";

/** RunPod's fake, as the program reaches it. */
interface Fake {
  readonly url: string;
  readonly apiKey: string;
}

/** A runtime: its package, and how it runs the program in the project's folder. */
interface Runtime {
  readonly packages: readonly string[];
  /** Prints the version. */
  readonly version: readonly string[];
  /** @returns the parts that worked, as JSON */
  readonly run: (folder: string, fake: Fake) => Promise<string>;
}

const PAGE = "docs/runtimes.md";
const PROGRAM = `
import process from "node:process";
import { smoke } from "./smoke.js";
console.log(JSON.stringify(await smoke({ url: process.env.FAKE_URL, apiKey: process.env.FAKE_KEY })));
process.exit(0);
`;

const WORKER = `
import { smoke } from "./smoke.js";
export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    if (!searchParams.has("url")) return new Response("up");
    try {
      return Response.json(await smoke({ url: searchParams.get("url"), apiKey: searchParams.get("key") }));
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};
`;

const WORKER_CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
      compatibilityDate = "2026-09-01", compatibilityFlags = ["nodejs_compat"],
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:$PORT", http = (), service = "main")],
);
`;

const NODE = `node-${process.platform}-${process.arch}`;

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  "Node 22": node(22),
  "Node 24": node(24),
  "Node 26": node(26),
  Bun: { packages: ["bun"], version: ["npx", "bun", "--version"], run: command("npx", "bun") },
  Deno: {
    packages: ["deno"],
    version: ["npx", "deno", "--version"],
    run: command("npx", "deno", "run", "--node-modules-dir=manual", "--allow-all"),
  },
  workerd: { packages: ["workerd", "esbuild"], version: ["npx", "workerd", "--version"], run: runInWorkerd },
};

function node(major: number): Runtime {
  const program = `./node_modules/node${major}/bin/node`;
  return {
    packages: [`node${major}@npm:${NODE}@${major}`],
    version: [program, "--version"],
    run: command(program),
  };
}

/** Runs the program by a command of the project. */
function command(...words: readonly string[]): Runtime["run"] {
  return (folder, { url, apiKey }) =>
    runCommand(folder, [...words, "program.js"], {
      seconds: 120,
      env: { FAKE_URL: url, FAKE_KEY: apiKey },
    });
}

/** Bundles the program for workerd, and lets one request run it. */
async function runInWorkerd(folder: string, { url, apiKey }: Fake): Promise<string> {
  const bundle = ["npx", "esbuild", "worker.js", "--bundle", "--format=esm", "--platform=neutral"];
  const options = ["--main-fields=module,main", "--conditions=workerd,worker,import", "--external:node:*"];
  await runCommand(folder, [...bundle, ...options, "--external:@opentelemetry/api", "--outfile=worker.mjs"]);
  const server = await startServer(
    folder,
    (port) => ["sh", "-c", `sed -i 's/\\$PORT/${port}/' config.capnp && exec npx workerd serve config.capnp`],
    "/",
  );
  try {
    const answer = await fetch(`${server.url}/?${new URLSearchParams({ url, key: apiKey })}`);
    const text = await answer.text();
    if (answer.status === 200) return text;
    throw new Error(`workerd answered ${answer.status}: ${text}`);
  } finally {
    server.kill();
  }
}

/** Installs the package beside a runtime, and runs it there. @returns the row of the table */
async function check(name: string, { packages, version, run }: Runtime, tarball: string): Promise<string> {
  const fake = fakeRunpod({ clock: systemClock, bootSeconds: 0 });
  await using served = await serveFake(fake.handler);
  const project = join(folder, name.replaceAll(" ", "-"));
  const files = { "program.js": PROGRAM, "worker.js": WORKER, "config.capnp": WORKER_CONFIG };
  await makeProject(project, [tarball, ...packages], files);
  await writeFiles(project, { "smoke.js": await readFile("scripts/runtimes/smoke.js", "utf8") });
  const begun = Date.now();
  const output = await run(project, { url: served.url, apiKey: fake.apiKey });
  const parts: readonly string[] = JSON.parse(output.trim().split("\n").at(-1) ?? "[]");
  if (parts.length < 5) throw new Error(`${name} ran ${parts.length} parts only:\n${output}`);
  if (!fake.requests.includes("POST /v2/pods")) throw new Error(`${name} created no pod at RunPod's fake`);
  const [said = ""] = (await runCommand(project, version)).trim().split("\n");
  console.log(`${name}: ok, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return `| ${name} | ${/\d+\.\d+\.\d+|\d{4}-\d\d-\d\d/.exec(said)?.[0] ?? said} | ${parts.join(", ")} |`;
}

const wanted = process.argv.slice(2).filter((word) => word !== "--write");
const chosen = Object.entries(RUNTIMES).filter(
  ([name]) => wanted.length === 0 || wanted.some((word) => name.toLowerCase().startsWith(word.toLowerCase())),
);
if (chosen.length === 0) throw new Error(`there are: ${Object.keys(RUNTIMES).join(", ")}`);

const folder = await mkdtemp(join(tmpdir(), "atlas-runtimes-"));
try {
  const pack = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const tarball = join(folder, (await runCommand(process.cwd(), pack)).trim().split("\n").at(-1) ?? "");
  const rows: string[] = [];
  for (const [name, runtime] of chosen) rows.push(await check(name, runtime, tarball));
  const table = ["| runtime | version | works |", "|---|---|---|", ...rows].join("\n");
  console.log(`\n${table}`);
  if (process.argv.includes("--write")) await writeTable(table);
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}

async function writeTable(table: string): Promise<void> {
  const page = await readFile(PAGE, "utf8");
  await writeFile(PAGE, page.replace(/^\| runtime \|.*(?:\n\|.*)*/m, table));
}
