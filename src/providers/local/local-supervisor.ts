/**
 * The supervisor of one instance: a small program that outlives the process that created the instance. It starts the
 * command, keeps its log, records its end, and ends it on SIGTERM: first with SIGTERM, after the grace with SIGKILL, and always
 * together with every process that the command started. The supervisor's record exists before the command starts, and the command
 * never outlives its supervisor.
 *
 * `node local-supervisor.js <folder> <grace in seconds> <command…>`, with the command's environment as the first message.
 * @module
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { systemClock } from "../../clock.ts";
import type { LogLine } from "../../provider.ts";
import { describeExit } from "./convert.ts";
import { isEndAsked, logPath, writeProcess } from "./instance-files.ts";
import { formatLine, lineSplitter } from "./log-file.ts";
import { signalGroup } from "./process-group.ts";
import { codeOf, identify, type ProcessIdentity } from "./process-identity.ts";
import type { ProcessRecord, SupervisorAnswer } from "./wire.ts";

type Leader = ChildProcessByStdio<null, Readable, Readable>;
type Exit = NonNullable<ProcessRecord["exit"]>;

/** The wait for the last output when a process outside the group holds the other end of the pipe. */
const OUTPUT_MILLISECONDS = 1000;
/** The wait for killed processes to disappear. In a container without an init, zombies stay for ever. */
const CLEARING_MILLISECONDS = 200;
const WAIT_MILLISECONDS = 5;

const [folder = "", graceSeconds = "", ...command] = process.argv.slice(2);
let leaderPid: number | undefined;
let ending = false;

process.once("message", (env) => void supervise(env as NodeJS.ProcessEnv));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, end);
process.on("exit", () => signalLeader("SIGKILL"));

async function supervise(env: NodeJS.ProcessEnv): Promise<void> {
  const supervisor = await identify(process.pid);
  if (supervisor === undefined) throw new Error("a running process has an identity");
  await writeProcess(folder, { supervisor });
  const leader = await startLeader(env);
  const exit = typeof leader === "string" ? toExit({ refusal: leader }) : await attend(leader, supervisor);
  write("system", describeExit(exit));
  await writeProcess(folder, { supervisor, exit });
  if (exit.refusal !== undefined) await answer({ refusal: exit.refusal });
  process.exit();
}

/** Starts the command. Returns its process, or the reason why it did not start. */
async function startLeader(env: NodeJS.ProcessEnv): Promise<Leader | string> {
  if (ending || isEndAsked(folder)) return "ENDED";
  const [program = "", ...parameters] = command;
  try {
    const leader = spawn(program, parameters, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    leaderPid = leader.pid;
    await once(leader, "spawn");
    return leader;
  } catch (error) {
    return String(codeOf(error) ?? "UNKNOWN");
  }
}

async function attend(leader: Leader, supervisor: ProcessIdentity): Promise<Exit> {
  const exited = once(leader, "exit");
  const closed = once(leader, "close");
  capture(leader.stdout);
  capture(leader.stderr);
  write("system", `started ${command[0]} as process ${leader.pid}`);
  await writeProcess(folder, { supervisor, leader: await identify(Number(leader.pid)) });
  await answer({ started: true });
  const [code, signal]: (number | string | null)[] = await exited;
  await clearGroup(Number(leader.pid));
  await Promise.race([closed, systemClock.sleep(OUTPUT_MILLISECONDS)]);
  return toExit(typeof code === "number" ? { code } : { signal: String(signal) });
}

function toExit(how: Omit<Exit, "at">): Exit {
  return { at: systemClock.now().toISOString(), ...how };
}

/** Ends the processes that the command left behind. */
async function clearGroup(pid: number): Promise<void> {
  let waits = CLEARING_MILLISECONDS / WAIT_MILLISECONDS;
  while (signalGroup(pid, "SIGKILL") && waits-- > 0) await systemClock.sleep(WAIT_MILLISECONDS);
  leaderPid = undefined;
}

function end(): void {
  if (ending) return;
  ending = true;
  signalLeader("SIGTERM");
  signalLeader("SIGCONT");
  setTimeout(() => signalLeader("SIGKILL"), Number(graceSeconds) * 1000).unref();
}

function signalLeader(signal: NodeJS.Signals): void {
  if (leaderPid !== undefined) signalGroup(leaderPid, signal);
}

function capture(stream: Readable): void {
  const lines = lineSplitter((line) => write("container", line));
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => lines.push(text));
  stream.once("end", () => lines.flush());
}

function write(source: LogLine["source"], line: string): void {
  appendFileSync(logPath(folder), formatLine(source, line, systemClock.now()), { mode: 0o600 });
}

/** Answers the waiting create. A create that no longer waits changes nothing here. */
function answer(message: SupervisorAnswer): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}
