/** A page on one origin, its control plane on another, and its pods on others again. The page loads the bundle that is published. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BrowserContext, Page } from "playwright-core";
import { freePort } from "../../../scripts/frameworks/project.ts";
import { endProcesses } from "../../../scripts/frameworks/story.ts";
import { start } from "../../guard/support/servers.ts";

const PLANE = fileURLToPath(new URL("plane.ts", import.meta.url));

/** The page's side. The script of `/` puts the client where the tests reach it, and nothing else. */
const PAGE = `<!doctype html><title>an application</title><body><script type="module">
import { createComputeClient } from "/dist/browser.js";
globalThis.computes = createComputeClient({ baseUrl: "BASE" });
globalThis.phases = [];
globalThis.follow = (session) => {
  globalThis.session = session;
  const note = () => { const { phase } = session.getSnapshot(); if (phases.at(-1) !== phase) phases.push(phase); };
  session.subscribe(note); note();
};
addEventListener("pageshow", ({ persisted }) => { globalThis.wasPersisted = persisted; });
globalThis.isLoaded = true;
</script>`;

/** The world. */
export interface World extends AsyncDisposable {
  readonly page: string;
  readonly plane: string;
  readonly folder: string;
  /** Starts the control plane, and waits until it listens. */
  start(): Promise<void>;
  /** Ends the control plane as a crash does. */
  kill(): Promise<void>;
  /** Opens a tab of a user's browser. */
  tab(context: BrowserContext, user: string, path?: string): Promise<Page>;
  /** Sends a user's request to the control plane, from outside any browser. */
  request(user: string, method: string, path: string): Promise<Response>;
  /** The content of the store's files. */
  stored(): Promise<string>;
  /** Everything that the control plane's process has printed. */
  printed(): string;
  /** The processes that run as pods now. */
  computes(user: string): Promise<readonly { readonly id: string; readonly status: string }[]>;
}

/** Makes a world whose page may have further scripts, by path. */
export async function makeWorld(scripts: Readonly<Record<string, string>> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-page-"));
  const port = await freePort();
  const plane = `http://127.0.0.1:${port}`;
  const pages = createServer(async ({ url = "/" }, response) => {
    const path = new URL(url, "http://page").pathname;
    const script =
      scripts[path] ?? (path.startsWith("/dist/") ? await readFile(`.${path}`, "utf8") : undefined);
    response.setHeader("content-type", script === undefined ? "text/html" : "text/javascript");
    response.end(
      script ??
        (path === "/elsewhere" ? "<!doctype html>" : (scripts[`page ${path}`] ?? PAGE)).replace(
          "BASE",
          `${plane}/api/atlas`,
        ),
    );
  });
  const page = `http://127.0.0.1:${await start(pages)}`;
  let child: ChildProcess | undefined;
  let printed = "";
  const request: World["request"] = (user, method, path) =>
    fetch(`${plane}/api/atlas${path}`, { method, headers: { cookie: `user=${user}`, origin: page } });
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return {
    page,
    plane,
    folder,
    kill,
    start: async () => {
      const env = { ...process.env, PORT: String(port), FOLDER: folder, PAGE_ORIGIN: page };
      child = fork(PLANE, { env, execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] });
      for (const output of [child.stdout, child.stderr])
        output?.on("data", (chunk) => {
          printed += chunk;
        });
      const exit = once(child, "exit").then(([code, signal]) => {
        throw new Error(`the control plane ended with ${code ?? signal} before it listened:\n${printed}`);
      });
      // Later exits are those that a test wants.
      exit.catch(() => undefined);
      await Promise.race([once(child, "message"), exit]);
    },
    tab: async (context, user, path = "/") => {
      await context.addCookies([{ name: "user", value: user, url: page, sameSite: "Lax" }]);
      const tab = await context.newPage();
      await tab.goto(page + path);
      await tab.waitForFunction("globalThis.isLoaded");
      return tab;
    },
    stored: async () => {
      const files = (await readdir(folder)).filter((name) => name.startsWith("atlas.db"));
      // By another process: one that opens and closes these files loses its own locks on them.
      const { stdout } = await promisify(execFile)("cat", files, {
        cwd: folder,
        encoding: "latin1",
        maxBuffer: 1e9,
      });
      return stdout;
    },
    printed: () => printed,
    request,
    computes: async (user) => {
      const response = await request(user, "GET", "/computes");
      return ((await response.json()) as { computes: { id: string; status: string }[] }).computes;
    },
    [Symbol.asyncDispose]: async () => {
      await kill();
      pages.closeAllConnections();
      pages.close();
      await endProcesses(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}
