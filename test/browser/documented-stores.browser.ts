/** The files that docs/browser.md shows for Vue and Svelte, as they stand there, in Chromium: the phases, and the end of the last component. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { compile } from "svelte/compiler";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, launch } from "./browser.ts";
import { makeWorld, type World } from "./world/world.ts";

const PATIENCE = { timeout: 30_000 };
const FENCE = /^```(?<language>\w+)\n(?<text>.*?)^```$/gms;
/** The page and its control plane have two origins here. The guide's application has one. */
const ADDRESS = '"/api/atlas"';

/** The page of each framework: it shows and hides two components. */
const PAGES = {
  vue: `
import { createApp, h, ref } from "vue";
import { useCompute } from "documented/use-compute.js";

const isShown = ref(true);
globalThis.show = (shown) => { isShown.value = shown; };
const Gpu = {
  setup() {
    const { gpu, open, session } = useCompute();
    return () => [
      h("p", { role: "status" }, gpu.value.message),
      h("button", { onClick: () => open() }, "Start"),
      h("button", { onClick: () => session.end() }, "Stop"),
    ];
  },
};
createApp(() => (isShown.value ? [h(Gpu), h(Gpu)] : null)).mount("#root");
globalThis.isLoaded = true;
`,
  svelte: `
import { mount, unmount } from "svelte";
import Gpu from "documented/Gpu.svelte";

let components = [];
globalThis.show = async (shown) => {
  await Promise.all(components.map((component) => unmount(component)));
  components = shown ? [1, 2].map(() => mount(Gpu, { target: document.getElementById("root") })) : [];
};
await show(true);
globalThis.isLoaded = true;
`,
};

/** It notes each text that it shows, because a subscriber of its own would keep the session. */
const HTML = `<!doctype html><title>stores</title><div id="root"></div><script>
globalThis.base = "BASE";
globalThis.texts = [];
new MutationObserver(() => {
  const text = document.querySelector("p")?.textContent;
  if (texts.at(-1) !== text) texts.push(text);
}).observe(document.getElementById("root"), { subtree: true, childList: true, characterData: true });
</script>`;

/** The documented files by name. Svelte's component is compiled by Svelte. */
async function documentedFiles(): Promise<ReadonlyMap<string, string>> {
  const guide = await readFile("docs/browser.md", "utf8");
  const blocks = [...guide.matchAll(FENCE)].map(({ groups }) => {
    const { language = "", text = "" } = groups ?? {};
    return { language, text };
  });
  const js = blocks.flatMap(({ language, text }): [string, string][] => {
    const name = /^\/\/ (?<name>[\w-]+\.js)\n/.exec(text)?.groups?.name;
    return language === "js" && name !== undefined ? [[name, text.replace(ADDRESS, "globalThis.base")]] : [];
  });
  const components = blocks.filter(({ language }) => language === "svelte");
  expect([js.map(([name]) => name), components.length]).toEqual([["use-compute.js", "gpu.js"], 1]);
  const { js: component } = compile(components[0]?.text ?? "", { filename: "Gpu.svelte", dev: true });
  return new Map([...js, ["Gpu.svelte", component.code]]);
}

/** Gives the documented files to the bundler, and to them the package as it is published. */
function documented(files: ReadonlyMap<string, string>): Plugin {
  const namespace = "documented";
  return {
    name: namespace,
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^documented\// }, ({ path }) => ({
        path: path.slice(namespace.length + 1),
        namespace,
      }));
      onResolve({ filter: /^\.\//, namespace }, ({ path }) => ({ path: path.slice(2), namespace }));
      onLoad({ filter: /./, namespace }, ({ path }) => ({
        contents: files.get(path) ?? "",
        resolveDir: process.cwd(),
      }));
    },
  };
}

async function bundle(contents: string, files: ReadonlyMap<string, string>): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    format: "esm",
    platform: "browser",
    mainFields: ["module", "main"],
    define: {
      "process.env.NODE_ENV": '"development"',
      __VUE_OPTIONS_API__: "true",
      __VUE_PROD_DEVTOOLS__: "false",
    },
    alias: { "atlas-compute/browser": resolve("dist/browser.js") },
    plugins: [documented(files)],
    write: false,
    logLevel: "error",
  });
  return outputFiles.map(({ text }) => text).join("");
}

describe.runIf(hasBrowser)(`the documented stores${hasBrowser ? "" : " (left out: no Chromium)"}`, () => {
  let world: World;
  let browser: Browser;

  beforeAll(async () => {
    const files = await documentedFiles();
    const scripts: Record<string, string> = {};
    for (const [name, page] of Object.entries(PAGES)) {
      scripts[`/${name}.js`] = await bundle(page, files);
      scripts[`page /${name}`] = `${HTML}<script type="module" src="/${name}.js"></script>`;
    }
    world = await makeWorld(scripts);
    await world.start();
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  /** Waits until both components say so. */
  async function bothSay(page: Page, text: RegExp): Promise<void> {
    for (const index of [0, 1])
      await page.getByRole("status").nth(index).filter({ hasText: text }).waitFor(PATIENCE);
  }

  it.each(["vue", "svelte"])(
    "of %s shows each phase in two components, sends nothing when both are gone, and finds the compute again",
    async (name) => {
      const page = await world.tab(await browser.newContext(), name, `/${name}`);
      await bothSay(page, /^none/);
      await page.getByRole("button", { name: "Start" }).first().click();
      await bothSay(page, /^ready/);
      const texts = (await page.evaluate<string[]>("texts")).join();
      expect(texts).toMatch(/^none.*,looking for a GPU.*,the server starts.*,ready/);
      await page.evaluate("show(false)");
      await expect.poll(() => page.getByRole("status").count(), PATIENCE).toBe(0);
      const sent: string[] = [];
      page.on("request", (request) => sent.push(request.url()));
      await page.waitForTimeout(2500);
      expect(sent).toEqual([]);
      await page.evaluate("show(true)");
      await bothSay(page, /^ready/);
      expect(await world.computes(name)).toHaveLength(1);
      await page.getByRole("button", { name: "Stop" }).last().click();
      await bothSay(page, /^ended/);
      await page.context().close();
    },
  );
});
