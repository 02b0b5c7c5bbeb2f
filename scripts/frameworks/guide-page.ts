/** The page that a guide makes, used in Chromium as its reader uses it: start, ask, stop. */
import type { Page } from "playwright-core";
import { launch } from "../../test/browser/browser.ts";
import { type Server, startServer } from "./project.ts";

const ANSWER = "hello from your own pod";

/** An application that a guide has made, and the way to start it. */
export interface GuidePage {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: (port: number) => readonly string[];
  /** The path of the application. @default "" */
  readonly base?: string;
  /** Looks at the application while its pod runs. */
  readonly afterwards?: (server: Server) => Promise<void>;
}

/** Starts the server and clicks through the page. @throws Error with what the server printed */
export async function checkPage({ base = "", afterwards, ...page }: GuidePage): Promise<void> {
  await withServer({ ...page, base }, async (server) => {
    const browser = await launch();
    try {
      const tab = await browser.newPage();
      tab.setDefaultTimeout(PAGE_MILLISECONDS);
      await tab.goto(server.url.replace("127.0.0.1", "localhost") + base);
      await clickUntil(tab, "Start", /^(?!none$|ended)/);
      await tab.getByRole("button", { name: "Ask" }).click();
      await tab.locator("output", { hasText: ANSWER }).waitFor();
      await afterwards?.(server);
      await clickUntil(tab, "Stop", /^ended/);
    } catch (error) {
      throw new Error(`the page of ${page.folder} failed:\n${server.output.text}`, { cause: error });
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

/** Starts the server until its control plane answers, and ends it after the use. */
export async function withServer(
  { folder, env, command, base = "" }: GuidePage,
  use: (server: Server) => Promise<void>,
): Promise<void> {
  const server = await startServer(folder, command, `${base}/api/atlas/health`, { env });
  try {
    await use(server);
  } finally {
    server.kill();
  }
}

/** Asks for the operator page of the guide, which opens in development only. */
export function operatorPageAnswers(expected: number): (server: Server) => Promise<void> {
  return async ({ url }) => {
    const response = await fetch(`${url}/operator`);
    const text = await response.text();
    if (response.status !== expected || !text.includes("Atlas operator"))
      throw new Error(`the operator page answered ${response.status} and not ${expected}: ${text}`);
  };
}
