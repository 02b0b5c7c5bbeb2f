/** A page whose only content is the hook, under StrictMode: rendered as a server renders it, hydrated, and used by two components. */
import { build } from "esbuild";

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

/** The major versions of React that a page is made for. */
export const REACT_VERSIONS: readonly string[] = ["18", "19"];

/** Makes the pages `/react18` and `/react19` of a world, in React's development mode, which warns and mounts twice. */
export async function reactPages(): Promise<Readonly<Record<string, string>>> {
  const scripts: Record<string, string> = {};
  for (const version of REACT_VERSIONS) {
    scripts[`/react${version}.js`] = await bundle(version);
    scripts[`page /react${version}`] =
      `<!doctype html><title>React</title><div id="root"></div><script>globalThis.base = "BASE"</script><script type="module" src="/react${version}.js"></script>`;
  }
  return scripts;
}

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
