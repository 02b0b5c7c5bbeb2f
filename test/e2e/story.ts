/** The life of a user's compute in a page of an example application, in Chromium. Every example is held to it. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, BrowserContext, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brokenRules } from "../browser/axe.ts";
import { hasBrowser, launch } from "../browser/browser.ts";
import { type Application, buildApplication, type Example, OPERATOR } from "./application.ts";

const ARTEFACTS = "test/e2e/artefacts";
const PATIENCE = { timeout: 45_000 };

/** Builds an example and tells its stories. */
export function tellStories(example: Example): void {
  const name = `${example.name} in a browser${hasBrowser ? "" : " (left out: no Chromium)"}`;
  describe.runIf(hasBrowser)(name, () => {
    let application: Application;
    let browser: Browser;
    const contexts: BrowserContext[] = [];

    beforeAll(async () => {
      await mkdir(join(ARTEFACTS, example.name), { recursive: true });
      application = await buildApplication(example);
      browser = await launch();
      await application.start();
    }, 600_000);
    afterAll(async () => {
      await browser?.close();
      await application?.remove();
    });

    /** A browser of its own, as another device has it. */
    async function device(user: string): Promise<Page> {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      contexts.push(context);
      const page = await context.newPage();
      await page.goto(application.url);
      await page.getByLabel("Your name").fill(user);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Your GPU" }).waitFor(PATIENCE);
      await page.getByText(user).waitFor(PATIENCE);
      return page;
    }

    async function picture(page: Page, title: string): Promise<void> {
      for (const scheme of ["light", "dark"] as const)
        for (const width of [1280, 390]) {
          await page.emulateMedia({ colorScheme: scheme });
          await page.setViewportSize({ width, height: 800 });
          const path = join(ARTEFACTS, example.name, `${title}-${width}-${scheme}.png`);
          await page.screenshot({ path });
        }
      await page.emulateMedia({ colorScheme: "light" });
      const serious = (await brokenRules(page)).filter(({ impact }) => /serious|critical/.test(`${impact}`));
      expect(serious).toEqual([]);
    }

    it("starts at a click, streams the pod's answer from the pod's own origin, and plays its sound", async () => {
      const page = await device("ada");
      await picture(page, "1-begin");
      const toPod: Request[] = [];
      page.on("request", (request) => {
        if (!request.url().startsWith(application.url)) toPod.push(request);
      });
      await startGpu(page);
      await inPhase(page, "ready");
      await page.getByRole("button", { name: "Ask" }).click();
      const output = page.locator("output");
      await expect.poll(() => output.textContent(), PATIENCE).toContain("You asked");
      const early = await output.textContent();
      await expect.poll(() => output.textContent(), PATIENCE).toContain("stands between us.");
      expect(String(early).length).toBeLessThan(String(await output.textContent()).length);
      const asked = toPod.find((request) => request.url().endsWith("/words"));
      expect((await asked?.allHeaders())?.authorization).toMatch(/^Bearer [\w-]{43}$/);
      await page.getByRole("button", { name: "Load a sound" }).click();
      await expect
        .poll(() => page.evaluate("document.querySelector('audio')?.duration ?? 0"), PATIENCE)
        .toBeGreaterThan(1);
      await picture(page, "2-ready");
    });

    it("opens the pod's page in a tab, with its styles", async () => {
      const page = await device("ada");
      await inPhase(page, "ready");
      const opened = page.context().waitForEvent("page");
      await page.getByRole("button", { name: "Open in a tab" }).click();
      const tab = await opened;
      await tab.getByRole("heading", { name: "Inside the pod" }).waitFor(PATIENCE);
      const width = await tab.evaluate("getComputedStyle(document.querySelector('main')).maxWidth");
      expect(width).not.toBe("none");
      expect(tab.url()).not.toContain("sig=");
    });

    it("shows the same compute after a reload, in a second tab and on a second device, and none to another user", async () => {
      const page = await device("ada");
      await inPhase(page, "ready");
      const id = await computeId(page);
      await page.reload();
      await inPhase(page, "ready");
      const tab = await page.context().newPage();
      await tab.goto(application.url);
      await inPhase(tab, "ready");
      await tab.getByRole("button", { name: "Ask" }).click();
      await expect.poll(() => tab.locator("output").textContent(), PATIENCE).toContain("You asked");
      const other = await device("ada");
      await inPhase(other, "ready");
      for (const each of [page, tab, other]) expect(await computeId(each)).toBe(id);
      const stranger = await device("eve");
      await stranger.getByRole("button", { name: "Start my GPU" }).waitFor(PATIENCE);
      const status = await stranger.evaluate(
        `fetch("/api/atlas/computes/${id}").then(({ status }) => status)`,
      );
      expect(status).toBe(404);
    });

    it("keeps the token in the tab, and only its hash on the server", async () => {
      const page = await device("gina");
      await startGpu(page);
      await inPhase(page, "ready");
      const token = String(await page.evaluate(TOKEN_IN_TAB));
      expect(token).toMatch(/^[\w-]{43}$/);
      const places = [
        await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href"),
        JSON.stringify(await page.context().storageState()),
        await page.content(),
        ...(await databaseFiles(application.folder)),
      ];
      for (const place of places) expect(place).not.toContain(token);
    });

    it("lets an operator see a user's compute, extend it and end it, which the user's page tells", async () => {
      const page = await device("gina");
      await inPhase(page, "ready");
      const endsAt = page.locator(".facts div", { hasText: "Ends at" }).locator("dd");
      const before = String(await endsAt.textContent());
      const desk = await device(OPERATOR);
      await desk.goto(`${application.url}/operator`);
      const row = desk.locator(".computes tbody tr", { hasText: "gina" });
      await expect.poll(() => row.textContent(), PATIENCE).toMatch(/running.*in \d+ min.*\$0\.00/);
      await picture(desk, "5-operator-list");
      await row.locator("a.id").click();
      await desk.getByRole("link", { name: "Extend" }).click();
      await desk.getByLabel("Minutes").fill("120");
      await desk.getByRole("button", { name: "Extend" }).click();
      await desk.getByText("The planned ends have moved.").waitFor(PATIENCE);
      await picture(desk, "6-operator-compute");
      await expect.poll(() => endsAt.textContent(), PATIENCE).not.toBe(before);
      await desk.getByRole("link", { name: "Terminate" }).click();
      await desk.getByText("End it for ever?").waitFor(PATIENCE);
      await inPhase(page, "ready");
      await desk.getByRole("button", { name: "Terminate" }).click();
      await desk.getByText("It ends.").waitFor(PATIENCE);
      await desk.getByText(`"by":"operator:${OPERATOR}"`).first().waitFor(PATIENCE);
      await inPhase(page, "ended");
      expect(await page.getByRole("status").textContent()).toContain("requested");
    });

    it("shows the operator page to no other user", async () => {
      const page = await device("eve");
      expect((await page.goto(`${application.url}/operator`))?.status()).toBe(401);
    });

    it("says when the application cannot be reached, and goes on when it can", async () => {
      const page = await device("ada");
      await inPhase(page, "ready");
      await page.context().setOffline(true);
      await inPhase(page, "offline");
      await page.context().setOffline(false);
      await inPhase(page, "ready");
    });

    it("stops at a click", async () => {
      const page = await device("ada");
      await inPhase(page, "ready");
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("button", { name: "Start my GPU" }).waitFor(PATIENCE);
      expect(await page.getByRole("status").textContent()).toContain("ended");
    });

    it("survives a server that is killed in the middle of a spawn, without a second compute", async () => {
      const page = await device("bob");
      await startGpu(page);
      await page.waitForTimeout(80);
      application.kill();
      await page.waitForTimeout(300);
      await application.start();
      // Where the process died between the create and its record, the reaper takes the pod up after the grace of local().
      await inPhase(page, "ready", { timeout: 130_000 });
      expect(await liveComputes(page)).toHaveLength(1);
      await page.getByRole("button", { name: "Ask" }).click();
      await expect.poll(() => page.locator("output").textContent(), PATIENCE).toContain("You asked");
    }, 180_000);

    it("warns before the planned end, and moves it at a click", async () => {
      application.kill();
      await application.start({ LIFETIME_SECONDS: "24" });
      const page = await device("carol");
      await startGpu(page);
      await inPhase(page, "ending-soon");
      await picture(page, "3-ending");
      await page.getByRole("button", { name: /Keep it/ }).click();
      await inPhase(page, "ready");
    });

    it("sees its compute end when no one uses it", async () => {
      application.kill();
      await application.start({ IDLE_SECONDS: "6" });
      const page = await device("dave");
      await startGpu(page);
      await inPhase(page, "ready");
      await inPhase(page, "ended", { timeout: 90_000 });
      expect(await page.getByRole("status").textContent()).toContain("idle");
    });

    it("shows why a pod did not come up", async () => {
      const program = join(application.folder, "pod/server.mjs");
      const text = await readFile(program, "utf8");
      await writeFile(program, 'console.error("no CUDA-capable device is detected");\nprocess.exit(3);\n');
      const page = await device("fred");
      await startGpu(page);
      await inPhase(page, "failed");
      await expect
        .poll(() => page.locator("section").textContent(), PATIENCE)
        .toContain("no CUDA-capable device");
      await picture(page, "4-failed");
      await writeFile(program, text);
    });
  });
}

async function startGpu(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Start my GPU" }).click();
}

async function inPhase(page: Page, phase: string, patience = PATIENCE): Promise<void> {
  await page.locator(`.state.${phase}`).waitFor(patience);
}

const TOKEN_IN_TAB = "Object.entries(sessionStorage).find(([key]) => key.startsWith('atlas '))?.[1]";

function computeId(page: Page): Promise<unknown> {
  return page.evaluate(
    "fetch('/api/atlas/slots/default').then((answer) => answer.json()).then(({ id }) => id)",
  );
}

async function liveComputes(page: Page): Promise<unknown[]> {
  const computes: unknown = await page.evaluate(
    "fetch('/api/atlas/computes').then((answer) => answer.json()).then(({ computes }) => computes)",
  );
  if (!Array.isArray(computes)) throw new Error("the control plane lists computes");
  return computes.filter(({ status }) => !/^(terminated|failed)$/.test(status));
}

async function databaseFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.includes(".db"));
  expect(names.length).toBeGreaterThan(0);
  return Promise.all(names.map((name) => readFile(join(folder, name), "latin1")));
}
