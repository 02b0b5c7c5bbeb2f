/** Follows docs/next.md word for word, and uses the application that it makes in Chromium. */
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launch } from "../../test/browser/browser.ts";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { followSection, type Guide, readGuide, sectionOf } from "./guide.ts";
import { runCommand, type Server, startServer } from "./project.ts";
import { endProcesses } from "./story.ts";

const ANSWER = "hello from your own pod";
const DEVELOPMENT = ["npm", "run", "dev"];
const PRODUCTION = ["npm", "start"];
const HEALTH = "/api/atlas/health";

/** An application that follows the guide. */
interface Application {
  readonly guide: Guide;
  readonly folder: string;
  readonly tarball: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Follows the guide: development, both builds, and each section that changes the application. */
export async function checkNextGuide(folder: string, tarball: string): Promise<void> {
  const guide = await readGuide("docs/next.md");
  await mkdir(folder, { recursive: true });
  const env = { XDG_STATE_HOME: join(folder, "state") };
  try {
    const first = sectionOf(guide, "From nothing to a pod");
    const app = { guide, tarball, env, folder: await followSection(folder, first, tarball) };
    await checkPage(app, DEVELOPMENT);
    await checkPage(app, PRODUCTION);
    await follow(app, "Pages that the server renders");
    await runCommand(app.folder, ["npx", "next", "build", "--webpack"], { env });
    await checkPage(app, PRODUCTION, { afterwards: expectListed });
    console.log("  development, and production builds with Turbopack and with webpack: start, ask, stop");
    await checkPaths(app);
    await checkStandalone(app);
    await checkVercel(app);
  } finally {
    await endProcesses(join(env.XDG_STATE_HOME, "atlas-compute", "local"));
  }
}

async function follow(app: Application, section: string): Promise<void> {
  await followSection(app.folder, sectionOf(app.guide, section), app.tarball, app.env);
}

/** Follows a section in a copy of the application. */
async function branch(app: Application, section: string): Promise<Application> {
  const folder = `${app.folder}-${section.toLowerCase().replaceAll(/\W+/g, "-")}`;
  await cp(app.folder, folder, { recursive: true, verbatimSymlinks: true });
  await rm(join(folder, ".next"), { recursive: true, force: true });
  const branched = { ...app, folder };
  await follow(branched, section);
  return branched;
}

async function checkPaths(app: Application): Promise<void> {
  const branched = await branch(app, "A base path, and slashes at the end");
  await checkPage(branched, PRODUCTION, { base: "/studio" });
  console.log("  basePath and trailingSlash: start, ask, stop");
}

async function checkStandalone(app: Application): Promise<void> {
  const branched = await branch(app, "One server");
  await checkPage(branched, ["node", ".next/standalone/server.js"]);
  console.log("  a standalone server: start, ask, stop");
}

/** The cron's request, over a real PostgreSQL. */
async function checkVercel(app: Application): Promise<void> {
  const postgres = await startPostgres();
  try {
    const { env: own, guide } = app;
    const secret = "a-secret-of-the-cron-that-is-long-enough";
    const env = { ...own, DATABASE_URL: postgres.connectionString, CRON_SECRET: secret };
    const branched = await branch({ ...app, env }, "Vercel");
    const blocks = sectionOf(guide, "Vercel").filter(({ language }) => language === "json");
    const { crons } = JSON.parse(blocks[0]?.text ?? "{}");
    await withServer(branched, PRODUCTION, HEALTH, async ({ url }) => {
      for (const [authorization, expected] of [
        [`Bearer ${secret}`, 200],
        ["Bearer another", 401],
      ] as const) {
        const { status } = await fetch(`${url}${crons[0].path}`, { headers: { authorization } });
        if (status !== expected) throw new Error(`the cron was answered with ${status} and not ${expected}`);
      }
    });
    console.log("  Vercel: the cron's route over PostgreSQL makes a pass, and refuses another secret");
  } finally {
    await postgres.stop();
  }
}

interface PageOptions {
  /** The `basePath` of the application. */
  readonly base?: string;
  /** Looks at the application while its pod runs. */
  readonly afterwards?: (server: Server) => Promise<void>;
}

/** Starts a server and clicks through the page: start, ask, stop. */
async function checkPage(
  app: Application,
  command: readonly string[],
  { base = "", afterwards }: PageOptions = {},
): Promise<void> {
  await withServer(app, command, `${base}${HEALTH}`, async (server) => {
    const browser = await launch();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PAGE_MILLISECONDS);
      await page.goto(server.url.replace("127.0.0.1", "localhost") + base);
      await clickUntil(page, "Start", /^(?!none$|ended)/);
      await page.getByRole("button", { name: "Ask" }).click();
      await page.locator("output", { hasText: ANSWER }).waitFor();
      await afterwards?.(server);
      await clickUntil(page, "Stop", /^ended/);
    } catch (error) {
      throw new Error(`the page of ${app.folder} failed:\n${server.output.text}`, { cause: error });
    } finally {
      await browser.close();
    }
  });
}

const PAGE_MILLISECONDS = 60_000;
const CLICKS = 20;

/** Clicks until the status reads so. A page takes no click before React has taken it over, and each of these may be repeated. */
async function clickUntil(page: Page, name: string, expected: RegExp): Promise<void> {
  const status = page.locator("p[role=status]");
  for (let clicks = 0; clicks < CLICKS; clicks += 1) {
    await page.getByRole("button", { name }).click();
    const isThere = status.filter({ hasText: expected }).waitFor({ timeout: 2000 });
    if (
      await isThere.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new Error(`after ${CLICKS} clicks on ${name} the page says "${await status.textContent()}"`);
}

async function expectListed({ url }: Server): Promise<void> {
  const page = await (await fetch(`${url}/computes`)).text();
  if (!page.includes("running")) throw new Error(`the page of computes shows none that runs:\n${page}`);
}

async function withServer(
  { folder, env }: Application,
  command: readonly string[],
  path: string,
  use: (server: Server) => Promise<void>,
): Promise<void> {
  const server = await startServer(folder, () => command, path, { env });
  try {
    await use(server);
  } finally {
    server.kill();
  }
}
