/** Distinguishes a process from a later one with the same id, by its start time. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** The identity of a process, which a later process with the same id does not match. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The start time in the system's own unit: clock ticks since boot on Linux, a date elsewhere. It is only compared. */
  readonly startMark: string;
}

/** The state of a living process. SIGSTOP makes it `stopped`. */
export type ProcessState = "running" | "stopped";

/** The facts that the system has about a process id. */
interface ProcessFacts {
  readonly startMark: string;
  readonly state: ProcessState;
}

/** The identity of the process that has this id now; `undefined` when the process does not exist or is a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const facts = await readProcess(pid);
  return facts && { pid, startMark: facts.startMark };
}

/** The current state of this process; `undefined` when it is gone, even when another process has its id. */
export async function observe({ pid, startMark }: ProcessIdentity): Promise<ProcessState | undefined> {
  const facts = await readProcess(pid);
  return facts?.startMark === startMark ? facts.state : undefined;
}

/** Reads `/proc` on Linux, and runs `ps` elsewhere. A zombie counts as gone. */
export function readProcess(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessFacts | undefined> {
  return platform === "linux" ? readProc(pid) : runPs(pid);
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

async function runPs(pid: number): Promise<ProcessFacts | undefined> {
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
