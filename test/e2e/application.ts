/** An example application as its user has it: a copy outside the repository, with the packed package, built for production. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, runCommand, type Server, startServer } from "../../scripts/frameworks/project.ts";
import { endProcesses } from "../../scripts/frameworks/story.ts";

const INSTALL_SECONDS = 240;
const BUILD_SECONDS = 240;

/** The user that sees the operator page. */
export const OPERATOR = "olga";

/** The environment of one run of the server. */
export type Settings = Readonly<Record<string, string>>;

/** An example that is built. Its server keeps one address, however often it is started. */
export interface Application {
  readonly folder: string;
  readonly url: string;
  start(settings?: Settings): Promise<void>;
  /** Ends the server as a crash does, with its process group. */
  kill(): void;
  /** Ends the server, its pods and its files. */
  remove(): Promise<void>;
}

/** An example of the repository, and the command that serves its production build. */
export interface Example {
  readonly name: string;
  serve(port: number): readonly string[];
}

/** Builds an example in a folder of its own. */
export async function buildApplication({ name, serve }: Example): Promise<Application> {
  const root = await mkdtemp(join(tmpdir(), `atlas-e2e-${name}-`));
  const folder = join(root, name);
  await cp(join("examples", name), folder, { recursive: true, filter: isSource });
  await dependOnTarball(folder, await pack(root));
  await runCommand(
    folder,
    ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"],
    {
      seconds: INSTALL_SECONDS,
    },
  );
  await runCommand(folder, ["npm", "run", "build"], { seconds: BUILD_SECONDS });
  const port = await freePort();
  const state = join(root, "state");
  let server: Server | undefined;
  return {
    folder,
    url: `http://127.0.0.1:${port}`,
    start: async (settings = {}) => {
      const env = { XDG_STATE_HOME: state, APP_URL: `http://127.0.0.1:${port}`, OPERATOR, ...settings };
      server = await startServer(folder, serve, "/api/atlas/health", { env, port });
    },
    kill: () => server?.kill(),
    remove: async () => {
      server?.kill();
      await endProcesses(join(state, "atlas-compute", "local"));
      await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

function isSource(path: string): boolean {
  return !/(^|\/)(node_modules|\.next|\.react-router|build|package-lock\.json|[^/]*\.db[^/]*)$/.test(path);
}

async function pack(destination: string): Promise<string> {
  const command = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", destination];
  return join(destination, (await runCommand(process.cwd(), command)).trim().split("\n").at(-1) ?? "");
}

async function dependOnTarball(folder: string, tarball: string): Promise<void> {
  const path = join(folder, "package.json");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"file:../.."', JSON.stringify(`file:${tarball}`)));
}
