/** The test daemon from the outside: what is on it, and its death by SIGKILL. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createNodeFetch } from "../../src/internal/node-fetch.ts";

/** A container, as the daemon lists it. */
export interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** The daemon that `npm run docker` started, without any code under test between. */
export class TestDaemon {
  readonly socket: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor(socket: string) {
    this.socket = socket;
    this.#fetch = createNodeFetch({ socketPath: socket });
  }

  /** Sends a request, and returns the answer with its body. */
  async ask(
    path: string,
    method = "GET",
    body?: unknown,
  ): Promise<{ status: number; json: unknown; text: string }> {
    const headers = { "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await this.#fetch(`http://docker${path}`, init);
    const text = await answer.text();
    return {
      status: answer.status,
      text,
      json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined,
    };
  }

  /** Every container, running or not. */
  async containers(): Promise<readonly Listed[]> {
    return JSON.parse((await this.ask("/containers/json?all=true")).text);
  }

  /** Names of the networks that Docker did not make for itself, and of all volumes. */
  async networksAndVolumes(): Promise<readonly string[]> {
    const networks: readonly { Name: string }[] = JSON.parse((await this.ask("/networks")).text);
    const { Volumes } = JSON.parse((await this.ask("/volumes")).text);
    const names: readonly string[] = (Volumes ?? []).map(({ Name }: { Name: string }) => Name);
    return [...networks.map(({ Name }) => Name).filter((name) => !OWN_NETWORKS.has(name)), ...names];
  }

  /** Removes every container and volume, and ends the programs of containers that a killed daemon has forgotten. */
  async clear(): Promise<void> {
    for (const { Id } of await this.containers())
      await this.ask(`/containers/${Id}?force=true&v=true`, "DELETE");
    for (const name of await this.networksAndVolumes()) await this.ask(`/volumes/${name}`, "DELETE");
    await endForgotten();
  }

  /** Kills the daemon with SIGKILL, and starts it again. */
  async killAndRestart(): Promise<void> {
    const { program, folder } = control();
    const pid = Number(readFileSync(join(folder, "run", "docker.pid"), "utf8"));
    process.kill(pid, "SIGKILL");
    while (existsSync(`/proc/${pid}/exe`)) await sleep(20);
    await promisify(execFile)("bash", [program, "up", folder]);
  }
}

const OWN_NETWORKS: ReadonlySet<string> = new Set(["bridge", "host", "none"]);

function control(): { program: string; folder: string } {
  const { ATLAS_DOCKERD: program, ATLAS_DOCKER_FOLDER: folder } = process.env;
  if (program === undefined || folder === undefined)
    throw new Error("only a daemon that `npm run docker` started by ATLAS_DOCKERD can be killed");
  return { program, folder };
}

/**
 * Ends what runs below the shims of the test daemon's folder. A daemon that is killed in the middle of a start can forget a container whose
 * program goes on, and gives the address of that program to the next container.
 */
async function endForgotten(): Promise<void> {
  const folder = process.env.ATLAS_DOCKER_FOLDER;
  if (folder === undefined) return;
  const processes = await runningProcesses();
  const shims = processes.filter(
    ({ command }) => command.includes("containerd-shim") && command.includes(folder),
  );
  const doomed = new Set(shims.map(({ pid }) => pid));
  for (const { pid, parent } of processes) if (doomed.has(parent)) doomed.add(pid);
  for (const pid of doomed) endProcess(pid);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // The process ended by itself in the meantime.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Every process of the machine, parents before their children. */
async function runningProcesses(): Promise<
  readonly { readonly pid: number; readonly parent: number; readonly command: string }[]
> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid=,args=", "--sort=start_time"]);
  return stdout
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, parent, command = ""]) => ({ pid: Number(pid), parent: Number(parent), command }));
}

/** True when the daemon may be killed. */
export const canKill: boolean = process.env.ATLAS_DOCKER_FOLDER !== undefined;
