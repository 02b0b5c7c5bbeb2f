/** The hook in Chromium under StrictMode, with React 18 and 19: rendered as a server renders it, hydrated, and used by two components. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, launch } from "./browser.ts";
import { REACT_VERSIONS, reactPages } from "./world/react-page.ts";
import { makeWorld, type World } from "./world/world.ts";

const PATIENCE = { timeout: 30_000 };

describe.runIf(hasBrowser)(`the hook in a browser${hasBrowser ? "" : " (left out: no Chromium)"}`, () => {
  let world: World;
  let browser: Browser;

  beforeAll(async () => {
    world = await makeWorld(await reactPages());
    await world.start();
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  it.each(REACT_VERSIONS)(
    "opens one compute with React %s, hydrates without a complaint, and rests when it is gone",
    async (version) => {
      const user = `react${version}`;
      const page = await world.tab(await browser.newContext(), user, `/react${version}`);
      expect(await page.evaluate("rendered")).toMatch(/<p id="one">none <\/p>/);
      for (const id of ["one", "two"])
        await page.waitForFunction(
          `document.getElementById("${id}").textContent.startsWith("ready ")`,
          undefined,
          PATIENCE,
        );
      const [one, two] = [await page.textContent("#one"), await page.textContent("#two")];
      expect(one).toBe(two);
      expect(await page.evaluate('gpu.fetch("/hello").then((answer) => answer.text())')).toBe(
        "hello from the pod",
      );
      expect(await world.computes(user)).toHaveLength(1);
      expect(await page.evaluate("complaints")).toEqual([]);
      await page.evaluate("show(false)");
      await page.waitForFunction("document.getElementById('one') === null");
      const sent: string[] = [];
      page.on("request", (request) => sent.push(request.url()));
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(sent).toEqual([]);
      await page.evaluate("show(true)");
      await page.waitForFunction(
        "document.getElementById('one')?.textContent.startsWith('ready ')",
        undefined,
        PATIENCE,
      );
      expect(await page.textContent("#one")).toBe(one);
      expect(await world.computes(user)).toHaveLength(1);
      await page.context().close();
    },
  );
});
