/** A real React Router application: its production build, served by its own server. */
import { join } from "node:path";
import { makeProject, runCommand, startServer } from "./project.ts";
import { ATLAS_MODULE, endCompute, endProcesses, expectLines, spawnAndFollow, stopWhole } from "./story.ts";

const FILES = {
  "react-router.config.js": "export default { ssr: true };\n",
  "vite.config.js":
    'import { reactRouter } from "@react-router/dev/vite";\nexport default { plugins: [reactRouter()] };\n',
  "app/lib/atlas.server.js": ATLAS_MODULE,
  "app/routes.js": `
import { index, route } from "@react-router/dev/routes";
export default [index("./home.jsx"), route("api/atlas/*", "./atlas.js")];
`,
  "app/root.jsx": `
import { Outlet, Scripts } from "react-router";
export default function Root() {
  return <html><head /><body><Outlet /><Scripts /></body></html>;
}
`,
  "app/home.jsx": `
import { useLoaderData } from "react-router";
import { atlas } from "./lib/atlas.server.js";
export async function loader() {
  const { computes } = await atlas.listComputes();
  return computes.map(({ id }) => id);
}
export default function Home() {
  return <ul>{useLoaderData().map((id) => <li key={id}>{id}</li>)}</ul>;
}
`,
  "app/atlas.js": `
import { toResourceRoute } from "atlas-compute/server";
import { plane } from "./lib/atlas.server.js";
const route = toResourceRoute(plane);
export const loader = route.loader;
export const action = route.action;
`,
};

const MAJOR = "8";
const OWN = ["react-router", "@react-router/dev", "@react-router/node", "@react-router/serve"];

/** The newest version of the package that is released last: the packages of one version fit together. */
async function newestVersion(): Promise<string> {
  const view = ["npm", "view", `@react-router/serve@${MAJOR}`, "version", "--json"];
  const versions: unknown = JSON.parse(await runCommand(".", view));
  return String([versions].flat().at(-1));
}

/** The packages of an application, all of one version of React Router. */
export async function reactRouterPackages(): Promise<readonly string[]> {
  const version = await newestVersion();
  return [...OWN.map((name) => `${name}@${version}`), "react", "react-dom", "vite", "isbot"];
}

/** Checks the production build. */
export async function checkReactRouter(folder: string, tarball: string): Promise<void> {
  await makeProject(folder, [tarball, ...(await reactRouterPackages())], FILES);
  const env = { STATE: join(folder, "state"), NODE_ENV: "production" };
  const output = await runCommand(folder, ["npx", "react-router", "build"], { env });
  if (output.includes("a client is made")) throw new Error(`the build made a client:\n${output}`);
  const start = (): readonly string[] => [
    ...["node", "node_modules/@react-router/serve/bin.cjs", "build/server/index.js"],
  ];
  const server = await startServer(folder, start, "/api/atlas/health", { env });
  try {
    const { id, ended } = await spawnAndFollow(server);
    const page = await (await fetch(server.url)).text();
    if (!page.includes(id)) throw new Error(`the page does not show the compute ${id}:\n${page}`);
    expectLines(server, "a client is made", 1);
    expectLines(server, "a pass of the reaper", 1);
    await endCompute(server, id);
    await ended;
    const open = await spawnAndFollow(server);
    await stopWhole(server, "SIGTERM", open.ended);
    console.log("  a production build: one client, one reaper");
  } finally {
    server.kill();
    await endProcesses(env.STATE);
  }
}
