/** The hook in Chromium under StrictMode, with React 18 and 19: rendered as a server renders it, hydrated, and used by two components. */
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, launch } from "./browser.ts";
import { makeWorld, type World } from "./world/world.ts";

const PATIENCE = { timeout: 30_000 };

const APPLICATION = `
import { createElement, StrictMode, useState } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { useCompute } from "./src/react/index.ts";

globalThis.complaints = [];
console.error = (...words) => complaints.push(words.join(" "));
const options = { baseUrl: globalThis.base, autoOpen: true, wish: { maxLifetimeSeconds: 600 } };
function Gpu({ id }) {
  const gpu = useCompute(options);
  globalThis.gpu = gpu;
  return createElement("p", { id }, gpu.phase + " " + (gpu.compute?.id ?? ""));
}
function App() {
  const [isShown, show] = useState(true);
  globalThis.show = show;
  return isShown ? [createElement(Gpu, { id: "one", key: 1 }), createElement(Gpu, { id: "two", key: 2 })] : null;
}
const tree = createElement(StrictMode, null, createElement(App));
const root = document.getElementById("root");
root.innerHTML = globalThis.rendered = renderToString(tree);
hydrateRoot(root, tree, { onRecoverableError: (error) => complaints.push(String(error)) });
globalThis.isLoaded = true;
`;

const HTML = (version: string): string =>
  `<!doctype html><title>React</title><div id="root"></div><script>globalThis.base = "BASE"</script><script type="module" src="/react${version}.js"></script>`;

/** Bundles the application in React's development mode, which warns and mounts twice. */
async function bundle(version: string): Promise<string> {
  const alias = version === "18" ? { react: "react18", "react-dom": "react-dom18" } : {};
  const { outputFiles } = await build({
    stdin: { contents: APPLICATION, resolveDir: process.cwd() },
    bundle: true,
    format: "esm",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"development"' },
    alias,
    write: false,
  });
  return outputFiles.map(({ text }) => text).join("");
}

describe.runIf(hasBrowser)(`the hook in a browser${hasBrowser ? "" : " (left out: no Chromium)"}`, () => {
  let world: World;
  let browser: Browser;

  beforeAll(async () => {
    const scripts: Record<string, string> = {};
    for (const version of ["18", "19"]) {
      scripts[`/react${version}.js`] = await bundle(version);
      scripts[`page /react${version}`] = HTML(version);
    }
    world = await makeWorld(scripts);
    await world.start();
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  it.each(["18", "19"])(
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
