/** Signals to a process and everything it started. */
import { codeOf } from "./process-identity.ts";

/** Nobody is there any more; macOS says EPERM when only zombies are left. */
const NOBODY: ReadonlySet<unknown> = new Set(["ESRCH", "EPERM"]);

/**
 * Signals the process group that this process leads. Signal 0 only asks.
 * @returns whether anybody was there to get it.
 */
export function signalGroup(leaderPid: number, signal: NodeJS.Signals | 0): boolean {
  return send(-leaderPid, signal);
}

/** Signals one process. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  return send(pid, signal);
}

function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if (NOBODY.has(codeOf(error))) return false;
    throw error;
  }
}
