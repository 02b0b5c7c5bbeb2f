/** A real Next application: production builds of Turbopack and webpack, and the development server. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeProject, runCommand, type Server, startServer } from "./project.ts";
import {
  ATLAS_MODULE,
  endCompute,
  endProcesses,
  expectLines,
  expectOncePerProcess,
  spawnAndFollow,
  stopWhole,
} from "./story.ts";

const FILES = {
  "package.json": '{ "private": true }',
  "lib/atlas.js": ATLAS_MODULE,
  "instrumentation.js":
    'export async function register() {\n  if (process.env.NEXT_RUNTIME === "nodejs") await import("./lib/atlas.js");\n}\n',
  "app/layout.js":
    "export default function Layout({ children }) {\n  return <html><body>{children}</body></html>;\n}\n",
  "app/page.js": `
import { atlas } from "../lib/atlas.js";
export const dynamic = "force-dynamic";
export default async function Page() {
  const { computes } = await atlas.listComputes();
  return <ul>{computes.map(({ id }) => <li key={id}>{id}</li>)}</ul>;
}
`,
  "app/api/atlas/[...path]/route.js": `
import { toNextRoutes } from "atlas-compute/server";
import { plane } from "../../../../lib/atlas.js";
export const dynamic = "force-dynamic";
export const { GET, POST, PUT, DELETE, OPTIONS } = toNextRoutes(plane);
`,
};

/** Checks both builds and the development server. */
export async function checkNext(folder: string, tarball: string): Promise<void> {
  await makeProject(folder, [tarball, "next", "react", "react-dom"], FILES);
  const env = { STATE: join(folder, "state") };
  for (const bundler of ["turbopack", "webpack"]) {
    const output = await runCommand(folder, ["npx", "next", "build", `--${bundler}`], { env });
    for (const line of ["a client is made", "a pass of the reaper"])
      if (output.includes(line)) throw new Error(`the build with ${bundler} said "${line}":\n${output}`);
    const start = (port: number): readonly string[] => [
      ...["node", "node_modules/next/dist/bin/next", "start", "-H", "127.0.0.1", "-p", String(port)],
    ];
    const server = await startServer(folder, start, "/api/atlas/health", { env });
    await tellStory(server, bundler === "webpack" ? "SIGINT" : "SIGTERM");
    console.log(
      `  a production build with ${bundler}: one client, one reaper, and no client during the build`,
    );
  }
  await checkDevelopment(folder, env);
  await endProcesses(env.STATE);
}

async function tellStory(server: Server, signal: "SIGTERM" | "SIGINT"): Promise<void> {
  try {
    const { id, ended } = await spawnAndFollow(server);
    await expectOnPage(server, id);
    expectLines(server, "a client is made", 1);
    expectLines(server, "a pass of the reaper", 1);
    await endCompute(server, id);
    const another = await spawnAndFollow(server);
    await endCompute(server, another.id).catch(() => undefined);
    await ended;
    const open = await spawnAndFollow(server);
    await stopWhole(server, signal, open.ended);
  } finally {
    server.kill();
  }
}

/** The page is another bundle than the route: it shows the compute only when both have one client. */
async function expectOnPage({ url }: Server, id: string): Promise<void> {
  const page = await (await fetch(url)).text();
  if (!page.includes(id)) throw new Error(`the page does not show the compute ${id}:\n${page}`);
}

/**
 * In development, a change of the factory replaces the client once, and a change elsewhere does not. A worker of Next, which looks for static
 * paths, is a process of its own and may evaluate the module too.
 */
async function checkDevelopment(folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const start = (port: number): readonly string[] => [
    ...["node", "node_modules/next/dist/bin/next", "dev", "-H", "127.0.0.1", "-p", String(port)],
  ];
  const server = await startServer(folder, start, "/api/atlas/health", { env });
  try {
    const { id } = await spawnAndFollow(server);
    await expectOnPage(server, id);
    expectOncePerProcess(server, "a client is made");
    await edit(server, folder, "// a comment, far from the factory\n");
    await expectOnPage(server, id);
    expectOncePerProcess(server, "a client is made");
    await endCompute(server, id);
    const path = join(folder, "lib/atlas.js");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("a client is made", "another client is made"));
    await untilSaid(server, "another client is made");
    expectOncePerProcess(server, "another client is made");
    console.log("  development: a change of the factory replaces the client once, another change does not");
  } finally {
    server.kill();
  }
}

async function edit(server: Server, folder: string, addition: string): Promise<void> {
  const path = join(folder, "lib/atlas.js");
  await writeFile(path, `${await readFile(path, "utf8")}${addition}`);
  for (let tries = 0; tries < 8; tries += 1) {
    await fetch(server.url).then((response) => response.text());
    await sleep(250);
  }
}

const REBUILD_TRIES = 60;

async function untilSaid(server: Server, line: string): Promise<void> {
  for (let tries = 0; tries < REBUILD_TRIES && !server.output.text.includes(line); tries += 1) {
    for (const path of ["/", "/api/atlas/health"]) await (await fetch(`${server.url}${path}`)).text();
    await sleep(250);
  }
}
