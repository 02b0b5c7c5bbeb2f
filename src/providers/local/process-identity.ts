/** Telling a process from a later one that got the same id: by the moment it started. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process, named so that a reused id is not mistaken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as this system counts: clock ticks since boot on Linux, a date elsewhere. Only ever compared. */
  readonly startMark: string;
}

/** What a living process does: `stopped` is held by SIGSTOP. */
export type ProcessState = "running" | "stopped";

/** What the system says of a process id. */
interface ProcessFacts {
  readonly startMark: string;
  readonly state: ProcessState;
}

/** The identity of the process that has this id now; `undefined` when there is none, or only its remains. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const facts = await readProcess(pid);
  return facts && { pid, startMark: facts.startMark };
}

/** What this very process does now; `undefined` when it is gone, also when another one has its id. */
export async function observe({ pid, startMark }: ProcessIdentity): Promise<ProcessState | undefined> {
  const facts = await readProcess(pid);
  return facts?.startMark === startMark ? facts.state : undefined;
}

/** Reads `/proc` where there is one, and asks `ps` elsewhere. A zombie counts as gone. */
export function readProcess(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessFacts | undefined> {
  return platform === "linux" ? readProc(pid) : askPs(pid);
}

const GONE: ReadonlySet<unknown> = new Set(["ENOENT", "ESRCH"]);

async function readProc(pid: number): Promise<ProcessFacts | undefined> {
  try {
    return parseProcStat(await readFile(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    if (GONE.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** Parses `/proc/<pid>/stat` (proc(5)): the name in parentheses may hold anything, so fields are counted after the last one. */
export function parseProcStat(text: string): ProcessFacts | undefined {
  const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return toFacts(state, fields[18] ?? "");
}

async function askPs(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const env = { LC_ALL: "C", TZ: "UTC" };
    const { stdout } = await promisify(execFile)("/bin/ps", ["-o", "stat=,lstart=", "-p", `${pid}`], { env });
    return parsePs(stdout);
  } catch (error) {
    if (codeOf(error) === 1) return undefined;
    throw error;
  }
}

/** Parses a line of `ps -o stat=,lstart=`. */
export function parsePs(text: string): ProcessFacts | undefined {
  const [state = "", ...date] = text.trim().split(/\s+/);
  return toFacts(state, date.join(" "));
}

function toFacts(state: string, startMark: string): ProcessFacts | undefined {
  if (startMark === "" || /^[ZX]/.test(state)) return undefined;
  return { startMark, state: /^[Tt]/.test(state) ? "stopped" : "running" };
}

/** The `code` of an error of Node's; `undefined` when it has none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}
