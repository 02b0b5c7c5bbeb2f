/**
 * Uses the package as its users do: in real production builds of the frameworks and bundlers, made in a temporary folder from the registry.
 * `npm run frameworks -- next` runs one of them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBundlers, checkWorkerd } from "./bundlers.ts";
import { checkNext } from "./next.ts";
import { checkNextGuide } from "./next-guide.ts";
import { runCommand } from "./project.ts";
import { checkReactRouter } from "./react-router.ts";
import { checkReactRouterGuide } from "./react-router-guide.ts";

type Check = (folder: string, tarball: string) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  bundlers: checkBundlers,
  workerd: checkWorkerd,
  next: checkNext,
  "next-guide": checkNextGuide,
  "react-router": checkReactRouter,
  "react-router-guide": checkReactRouterGuide,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in CHECKS));
if (unknown.length > 0)
  throw new Error(`there is no check ${unknown.join(", ")}; there are: ${Object.keys(CHECKS).join(", ")}`);

const folder = await mkdtemp(join(tmpdir(), "atlas-frameworks-"));
try {
  const packed = await runCommand(process.cwd(), [
    "npm",
    "pack",
    "--ignore-scripts",
    "--silent",
    "--pack-destination",
    folder,
  ]);
  const tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
  for (const [name, check] of Object.entries(CHECKS)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const begun = Date.now();
    await check(join(folder, name), tarball);
    console.log(`${name}: ok, ${Math.round((Date.now() - begun) / 1000)} s`);
  }
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}
