/**
 * Runs the commands of the transcripts in the documentation, and compares what they print: `npm run transcripts`, or with `--write` replaces it. A
 * transcript is a block of code behind `<!-- transcript -->`; each of its lines that begins with `$ ` is run by bash, all of a file in one folder.
 * Behind `<!-- transcript: interrupt after TEXT -->` its command gets SIGINT once it has printed the text. Ids, tokens, times and ports differ from run to run
 * and are not compared.
 */
import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const BLOCK = /^<!-- transcript(?:: interrupt after (?<mark>.+?))? -->\n```console\n(?<text>.*?)^```$/gms;
const FENCE = "```";
const LIMIT_MILLISECONDS = 60_000;

/** The ids that the documentation shows, for the first compute, the second … */
const SHOWN_IDS = ["h4k2m7q0x1c8v5b4n6zp", "t9w3e5r1y7u2i6o8a0sd", "f2g4h6j8k1l3z5x7c9vb"];

/** Patterns of all that differs from run to run, each with its replacement in a comparison. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "<hash>"],
  [/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, "<uuid>"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>"],
  [/(?<=127\.0\.0\.1:)\d+/g, "<port>"],
  [/(?<=process )\d+/g, "<process>"],
  [/(?<=Node )[\d.]+/g, "<version>"],
  [/\b\d+(?:\.\d+)?s\b/g, "<seconds>"],
  [/\b\d+[mhd]( <seconds>| \d+[mh])?/g, "<span>"],
  [/<span>|<seconds>/g, "<span>"],
  // A look that comes earlier or later sees another of these steps.
  [/^ *<span> +(?:starting|looking-up) .*\n/gm, ""],
  [/ +/g, " "],
];

function comparable(text: string): string {
  return VARYING.reduce((result, [pattern, replacement]) => result.replaceAll(pattern, replacement), text);
}

/** One file's commands: a folder, the program on the path, and the ids so far. */
class Session {
  readonly #folder: string;
  readonly #ids: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs the commands of a transcript and returns it anew. */
  async replay(text: string, mark: string | undefined): Promise<string> {
    const commands = text.split("\n").filter((line) => line.startsWith("$ "));
    const parts: string[] = [];
    for (const command of commands) {
      const output = await this.#run(this.#withRealIds(command.slice(2)), mark);
      parts.push(`${command}\n${this.#withShownIds(output)}`);
    }
    return parts.join("");
  }

  #withRealIds(text: string): string {
    return this.#ids.reduce((result, id, index) => result.replaceAll(SHOWN_IDS[index] ?? id, id), text);
  }

  #withShownIds(text: string): string {
    for (const [id] of text.matchAll(/\b(?=[a-z0-9]*\d)(?=[a-z0-9]*[a-z])[a-z0-9]{20}\b/g))
      if (!this.#ids.includes(id)) this.#ids.push(id);
    const shown = this.#ids.reduce(
      (result, id, index) => result.replaceAll(id, SHOWN_IDS[index] ?? id),
      text,
    );
    return shown.replaceAll(/(?<=^token +)[\w-]{43}$/gm, "<43 characters>");
  }

  async #run(command: string, mark: string | undefined): Promise<string> {
    const env = {
      PATH: `${this.#folder}/bin:${process.env.PATH}`,
      HOME: this.#folder,
      XDG_STATE_HOME: join(this.#folder, "state"),
      ATLAS_DEPLOYMENT: "laptop",
      ATLAS_OPERATOR: "grace",
      DOCKER_HOST: process.env.DOCKER_HOST,
    };
    const child = spawn("bash", ["-c", `{ ${command}\n} 2>&1`], { cwd: this.#folder, env, detached: true });
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MILLISECONDS);
    let output = "";
    let isInterrupted = false;
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      output += chunk;
      if (mark === undefined || isInterrupted || !output.includes(mark) || child.pid === undefined) continue;
      isInterrupted = true;
      output += "^C\n";
      process.kill(-child.pid, "SIGINT");
    }
    clearTimeout(timer);
    return output;
  }
}

/** A folder with the program `atlas-compute` and a server for the pods. */
async function prepare(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-transcripts-"));
  const bin = join(folder, "bin");
  await mkdir(bin);
  const program = join(bin, "atlas-compute");
  const main = resolve("src/cli/main.ts");
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" --no-warnings "${main}" "$@"\n`);
  await chmod(program, 0o755);
  await copyFile("test/cli/programs/transcript-server.mjs", join(folder, "server.mjs"));
  return folder;
}

/** The file with every transcript anew. */
async function replayed(text: string): Promise<string> {
  const folder = await prepare();
  try {
    const session = new Session(folder);
    const parts: string[] = [];
    let end = 0;
    for (const match of text.matchAll(BLOCK)) {
      const { mark, text: transcript = "" } = match.groups ?? {};
      const begin = match.index + match[0].length - transcript.length - FENCE.length;
      parts.push(text.slice(end, begin), await session.replay(transcript, mark));
      end = begin + transcript.length;
    }
    return [...parts, text.slice(end)].join("");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first lines that differ, for a person to read. */
function difference(before: string, after: string): string {
  const old = comparable(before).split("\n");
  const fresh = comparable(after).split("\n");
  const index = old.findIndex((line, position) => line !== fresh[position]);
  return `  documented: ${old[index]}\n  printed:    ${fresh[index]}`;
}

const { values, positionals } = parseArgs({
  options: { write: { type: "boolean", default: false } },
  allowPositionals: true,
});
for (const path of positionals.length > 0 ? positionals : ["docs/cli.md"]) {
  const before = await readFile(path, "utf8");
  const after = await replayed(before);
  const isSame = comparable(before) === comparable(after);
  if (values.write && !isSame) await writeFile(path, after);
  if (isSame || values.write) console.log(`${path}: ${[...before.matchAll(BLOCK)].length} transcripts`);
  else {
    console.error(
      `${path} does not show what the commands print: npm run transcripts -- --write\n${difference(before, after)}`,
    );
    process.exitCode = 1;
  }
}
