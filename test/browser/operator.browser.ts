/** The operator page in Chromium: accessible at every width in both schemes, alive with a script, and usable without one. */
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { start } from "../guard/support/servers.ts";
import { type Showcase, showcase } from "../operator/showcase.ts";
import { brokenRules } from "./axe.ts";
import { hasBrowser, launch } from "./browser.ts";

const WIDTHS = [390, 820, 1440] as const;
const SCHEMES = ["light", "dark"] as const;
/** A folder for screenshots, for a person to look at. */
const SHOTS = process.env.ATLAS_SCREENSHOTS;

let show: Showcase;
let server: Server;
let browser: Browser;
let origin = "";

/** Opens a page of the operator in a context of its own. */
async function open(
  path: string,
  options: BrowserContextOptions = {},
  { clock = false } = {},
): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  if (clock) await page.clock.install();
  await page.goto(`${origin}/operator${path}`);
  return Object.assign(page, { [Symbol.asyncDispose]: () => context.close() });
}

describe.skipIf(!hasBrowser)("the operator page in Chromium", () => {
  beforeAll(async () => {
    show = await showcase();
    server = createServer(getRequestListener((request) => show.page(request)));
    origin = `http://127.0.0.1:${await start(server)}`;
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  const MAIN = { list: () => "/", compute: () => `/computes/${show.busy.id}` };
  const OTHERS = {
    empty: () => "/?search=nothing-like-this",
    confirm: () => `/computes/${show.busy.id}/extend`,
    terminate: () => `/computes/${show.busy.id}/terminate`,
    costs: () => "/costs",
    reaper: () => "/reaper",
    error: () => "/computes/none",
  };

  describe.each(SCHEMES)("in the %s scheme", (colorScheme) => {
    it.each(WIDTHS)(
      "breaks no rule of accessibility at %d pixels, and no page is wider than that",
      async (width) => {
        const isEdge = width === (colorScheme === "light" ? 390 : 1440);
        for (const [name, path] of Object.entries(isEdge ? { ...MAIN, ...OTHERS } : MAIN)) {
          await using page = await open(path(), { colorScheme, viewport: { width, height: 900 } });
          expect([name, await brokenRules(page)]).toEqual([name, []]);
          const widest = await page.evaluate("document.documentElement.scrollWidth");
          expect([name, widest]).toEqual([name, width]);
          if (SHOTS === undefined) continue;
          await mkdir(SHOTS, { recursive: true });
          await page.screenshot({
            path: `${SHOTS}/${name}-${width}-${colorScheme}.png`,
            fullPage: name !== "list",
          });
        }
      },
    );
  });

  it("replaces the list every five seconds, keeps the keyboard's place, and stops when it is paused", async () => {
    await using page = await open("/?user=late-riser", {}, { clock: true });
    expect(await page.textContent("#live")).toContain("No compute matches");
    const { id } = await show.clock.settle(show.atlas.spawnCompute({ userId: "late-riser", ports: [8000] }));
    await page.clock.runFor(5100);
    await page.waitForSelector(`#live a[href="/operator/computes/${id}"]`);
    await page.focus(`#live a[href="/operator/computes/${id}"]`);
    await page.evaluate("document.querySelector('#live .summary').id = 'old'");
    await page.clock.runFor(5100);
    // Its policy forbids the `eval` that waitForFunction repeats its question with.
    await page.locator("#old").waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.getAttribute('href')")).toBe(
      `/operator/computes/${id}`,
    );
    await page.click("text=Pause updates");
    await show.clock.settle(show.atlas.terminate(id));
    await page.clock.runFor(20_000);
    expect(await page.textContent("#live")).toContain(id);
    expect(await page.textContent("#live-note")).toBe("Updates are paused");
    await page.click("text=Resume updates");
    await page.clock.runFor(5100);
    await page.waitForSelector("text=No compute matches");
  });

  it("says that it is out of date when the server does not answer", async () => {
    await using page = await open("/", {}, { clock: true });
    await page.route("**/operator/**", (route) => route.abort());
    await page.clock.runFor(5100);
    await page.waitForSelector("text=Not updated");
  });

  it.each([true, false])("ends a compute by keyboard alone, with scripts: %s", async (javaScriptEnabled) => {
    const spawning = show.atlas.spawnCompute({ userId: `keyboard-${javaScriptEnabled}`, ports: [8000] });
    const { id } = await show.clock.settle(spawning);
    await using page = await open("/", { javaScriptEnabled });
    await page.focus("#search");
    await page.keyboard.type(`keyboard-${javaScriptEnabled}`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/search=keyboard/);
    await page.focus(`a[href="/operator/computes/${id}"]`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/computes/);
    await page.focus("text=Terminate");
    await page.keyboard.press("Enter");
    await page.waitForURL(/terminate/);
    await page.focus("form button");
    await page.keyboard.press("Enter");
    await page.waitForURL(/done=terminate/);
    expect(await page.textContent(".notice")).toContain("It ends.");
    expect((await show.atlas.getCompute(id)).status).toBe("terminated");
  });

  it("breaks no rule of its own policy", async () => {
    for (const path of ["/", `/computes/${show.busy.id}`, "/reaper"]) {
      await using page = await open("/");
      const said: string[] = [];
      page.on("console", (message) => void said.push(message.text()));
      page.on("pageerror", (error) => void said.push(error.message));
      await page.goto(`${origin}/operator${path}`, { waitUntil: "networkidle" });
      expect(said).toEqual([]);
      expect(await page.evaluate("getComputedStyle(document.querySelector('.top')).display")).toBe("flex");
    }
  });
});
