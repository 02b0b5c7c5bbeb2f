/** The packages beside ours: installed in a folder of their own, so that `npm install` of this repository does not get them. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../run.ts";
import { isQuick } from "./figures.ts";

const SOURCE = "scripts/bench/peers";
const FILES: readonly string[] = ["package.json", "package-lock.json"];

/** The folder from which a program finds the peers. */
export const PEERS_FOLDER = "node_modules/.cache/bench-peers";
const MARK = join(PEERS_FOLDER, "installed-from");

/** A package that does a like job, and the symbol that its users import. */
export interface Peer {
  readonly name: string;
  readonly symbol: string;
}

/** The packages that spawn a machine or a sandbox through an API. */
export const peers: readonly Peer[] = [
  { name: "computesdk", symbol: "compute" },
  { name: "e2b", symbol: "Sandbox" },
  { name: "runpod-sdk", symbol: "default" },
  { name: "modal", symbol: "ModalClient" },
  { name: "@vercel/sandbox", symbol: "Sandbox" },
  { name: "@daytona/sdk", symbol: "Daytona" },
];

/** Installs the peers where their lock file has changed. A quick run, which proves the script, installs none. */
export async function installPeers(): Promise<void> {
  const lock = readFileSync(join(SOURCE, "package-lock.json"), "utf8");
  if (isQuick || (existsSync(MARK) && readFileSync(MARK, "utf8") === lock)) return;
  mkdirSync(PEERS_FOLDER, { recursive: true });
  for (const file of FILES) cpSync(join(SOURCE, file), join(PEERS_FOLDER, file));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], PEERS_FOLDER);
  writeFileSync(MARK, lock);
}

/** The version of an installed peer; `undefined` when it is not there. */
export function installedVersion({ name }: Peer): string | undefined {
  const path = join(PEERS_FOLDER, "node_modules", name, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : undefined;
}
