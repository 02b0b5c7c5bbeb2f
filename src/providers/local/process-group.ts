/** Sends signals to a process and every process that it started. */
import { codeOf } from "./process-identity.ts";

/** Codes that mean that no process is left; macOS answers EPERM when only zombies are left. */
const NO_PROCESS: ReadonlySet<unknown> = new Set(["ESRCH", "EPERM"]);

/**
 * Signals the process group that this process leads. Signal 0 only checks for its existence.
 * @returns true when a process received it.
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
    if (NO_PROCESS.has(codeOf(error))) return false;
    throw error;
  }
}
