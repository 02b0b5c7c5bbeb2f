/** Follows a guide word for word: its fenced blocks are the commands that are run and the files that are written. */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand, writeFiles } from "./project.ts";

/** One fenced block. */
export interface GuideBlock {
  readonly language: string;
  readonly text: string;
  /** The file that the block is, as its first line names it. */
  readonly file: string | undefined;
}

const FENCE = /^```(?<language>[a-z]+)\n(?<text>.*?)^```$/gms;
const FILE = /^(?:\/\/|#) (?<file>[\w@./[\]$-]+\.\w+)\n/;
const HEADING = /^## (?<name>.+)$/gm;

/** The sections of a guide by their headings, with their blocks in order. */
export type Guide = ReadonlyMap<string, readonly GuideBlock[]>;

/** Reads a guide of `docs`. */
export async function readGuide(path: string): Promise<Guide> {
  const text = await readFile(path, "utf8");
  const starts = [...text.matchAll(HEADING)];
  return new Map(
    starts.map((start, index) => [
      start.groups?.name ?? "",
      blocksOf(text.slice(start.index, starts[index + 1]?.index)),
    ]),
  );
}

/** The blocks of a section. @throws Error where the guide has no such section, or one without a block */
export function sectionOf(guide: Guide, name: string): readonly GuideBlock[] {
  const blocks = guide.get(name) ?? [];
  if (blocks.length > 0) return blocks;
  throw new Error(`the guide has no blocks under "${name}"; its sections: ${[...guide.keys()].join(", ")}`);
}

function blocksOf(section: string): readonly GuideBlock[] {
  return [...section.matchAll(FENCE)].map(({ groups }) => {
    const { language = "", text = "" } = groups ?? {};
    return { language, text, file: FILE.exec(text)?.groups?.file };
  });
}

/** Lines that start a server, which the caller starts itself. */
const SERVERS = new Set(["npm run dev", "npm start", "node .next/standalone/server.js"]);

/**
 * Runs the commands of a section in a shell, writes its files, and goes along with `cd`. An `npm install` takes this package from the tarball, and a
 * server is not started.
 * @returns the folder at its end
 */
export async function followSection(
  folder: string,
  blocks: readonly GuideBlock[],
  tarball: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  let current = folder;
  for (const { language, text, file } of blocks) {
    if (file !== undefined && language === "diff") await applyChange(join(current, file), text);
    else if (file !== undefined) await writeFiles(current, { [file]: text });
    if (language !== "sh") continue;
    for (const line of text.trim().split("\n")) {
      if (line.startsWith("cd ")) current = join(current, line.slice("cd ".length));
      else if (!SERVERS.has(line)) await runLine(current, line, tarball, env);
    }
  }
  return current;
}

/** Replaces the lines with a `-` by the lines with a `+`; the others say where. @throws Error unless the file has them exactly once */
async function applyChange(path: string, change: string): Promise<void> {
  const lines = change.split("\n").slice(1, -1);
  const side = (other: string): string =>
    lines.flatMap((line) => (line.startsWith(other) ? [] : [`${line.slice(1)}\n`])).join("");
  const text = await readFile(path, "utf8");
  const parts = text.split(side("+"));
  if (parts.length !== 2) throw new Error(`${path} has these lines ${parts.length - 1} times:\n${side("+")}`);
  await writeFile(path, parts.join(side("-")));
}

const COMMAND_SECONDS = 480;
/** npx asks before it loads a program, and here nothing answers. */
const NPM = { npm_config_yes: "true", npm_config_prefer_offline: "true", npm_config_audit: "false" };

async function runLine(
  folder: string,
  line: string,
  tarball: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const installed = line.startsWith("npm install") ? line.replace(/\batlas-compute\b/, tarball) : line;
  await runCommand(folder, ["sh", "-c", installed], {
    seconds: COMMAND_SECONDS,
    env: { ...NPM, ...env },
  });
}

/** An application that follows a guide. */
export interface GuidedApplication {
  readonly guide: Guide;
  readonly folder: string;
  readonly tarball: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Follows one more section in the application's folder. */
export async function follow(app: GuidedApplication, section: string): Promise<void> {
  await followSection(app.folder, sectionOf(app.guide, section), app.tarball, app.env);
}

/** Follows a section in a copy of the application, without the folder that its build made. */
export async function branch(
  app: GuidedApplication,
  section: string,
  built: string,
): Promise<GuidedApplication> {
  const folder = `${app.folder}-${section.toLowerCase().replaceAll(/\W+/g, "-")}`;
  await cp(app.folder, folder, { recursive: true, verbatimSymlinks: true });
  await rm(join(folder, built), { recursive: true, force: true });
  const branched = { ...app, folder };
  await follow(branched, section);
  return branched;
}
