/** Follows docs/next.md word for word, and uses the application that it makes in Chromium. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres } from "../../test/stores/postgres-server.ts";
import { branch, follow, followSection, type GuidedApplication, readGuide, sectionOf } from "./guide.ts";
import { checkPage, operatorPageAnswers, withServer } from "./guide-page.ts";
import { runCommand, type Server } from "./project.ts";
import { endProcesses } from "./story.ts";

const development = (): readonly string[] => ["npm", "run", "dev"];
const production = (): readonly string[] => ["npm", "start"];

/** Follows the guide: development, both builds, and each section that changes the application. */
export async function checkNextGuide(folder: string, tarball: string): Promise<void> {
  const guide = await readGuide("docs/next.md");
  await mkdir(folder, { recursive: true });
  const env = { XDG_STATE_HOME: join(folder, "state") };
  try {
    const first = sectionOf(guide, "From nothing to a pod");
    const app = { guide, tarball, env, folder: await followSection(folder, first, tarball) };
    await follow(app, "A page for operators");
    await checkPage({ ...app, command: development, afterwards: operatorPageAnswers(200) });
    await checkPage({ ...app, command: production });
    await follow(app, "Pages that the server renders");
    await runCommand(app.folder, ["npx", "next", "build", "--webpack"], { env });
    await checkPage({ ...app, command: production, afterwards: expectRendered });
    console.log("  development, and production builds with Turbopack and with webpack: start, ask, stop");
    await checkPaths(app);
    await checkStandalone(app);
    await checkVercel(app);
  } finally {
    await endProcesses(join(env.XDG_STATE_HOME, "atlas-compute", "local"));
  }
}

async function checkPaths(app: GuidedApplication): Promise<void> {
  const branched = await branch(app, "A base path, and slashes at the end", ".next");
  await checkPage({ ...branched, command: production, base: "/studio" });
  console.log("  basePath and trailingSlash: start, ask, stop");
}

async function checkStandalone(app: GuidedApplication): Promise<void> {
  const branched = await branch(app, "One server", ".next");
  const command = (): readonly string[] => ["node", ".next/standalone/server.js"];
  await checkPage({ ...branched, command });
  console.log("  a standalone server: start, ask, stop");
}

/** The cron's request, over a real PostgreSQL. */
async function checkVercel(app: GuidedApplication): Promise<void> {
  const postgres = await startPostgres();
  try {
    const { env: own, guide } = app;
    const secret = "a-secret-of-the-cron-that-is-long-enough";
    const env = { ...own, DATABASE_URL: postgres.connectionString, CRON_SECRET: secret };
    const branched = await branch({ ...app, env }, "Vercel", ".next");
    const blocks = sectionOf(guide, "Vercel").filter(({ language }) => language === "json");
    const { crons } = JSON.parse(blocks[0]?.text ?? "{}");
    await withServer({ ...branched, command: production }, async ({ url }) => {
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

/** Looks at the pages that the server renders: the list of computes, and the page for operators, which opens in development only. */
async function expectRendered(server: Server): Promise<void> {
  await operatorPageAnswers(401)(server);
  const { url } = server;
  const page = await (await fetch(`${url}/computes`)).text();
  if (!page.includes("running")) throw new Error(`the page of computes shows none that runs:\n${page}`);
}
