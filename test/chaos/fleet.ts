/** The worker processes of a run: started, killed without warning, frozen for longer than a lease, replaced. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/clock.ts";
import { pause } from "../../src/internal/pause.ts";
import type { WorkerMessage } from "./messages.ts";
import type { Random } from "./random.ts";
import { type Connection, SPEED, TIMING, type WorkerSettings } from "./settings.ts";

const PROGRAM = fileURLToPath(new URL("worker.ts", import.meta.url));

/** How long a process is frozen, in seconds of the world: when it goes on, its leases are another's. */
const FROZEN_SECONDS = (TIMING.leaseSeconds / SPEED) * 1.3;

/** What a fleet is made of. */
export interface FleetSettings {
  readonly connection: Connection;
  readonly seed: number;
  readonly roles: readonly WorkerSettings["role"][];
  /** Where the logs go, a file a worker. */
  readonly folder: string;
  readonly onMessage: (message: WorkerMessage) => void;
}

interface Worker {
  /** Whether it has begun to work: harm is done to no other, or on a busy machine nobody would ever get to work. */
  isAtWork: boolean;
  readonly name: string;
  readonly role: WorkerSettings["role"];
  readonly child: ChildProcess;
  readonly gone: Promise<unknown>;
}

/** A fleet. */
export class Fleet {
  /** The names of workers that were frozen at some time. */
  readonly frozen = new Set<string>();
  kills = 0;
  readonly #settings: FleetSettings;
  readonly #workers: Worker[];
  #started = 0;

  constructor(settings: FleetSettings) {
    this.#settings = settings;
    this.#workers = settings.roles.map((role) => this.#start(role));
  }

  /** Resolves when every worker has begun to work. */
  async allAtWork(): Promise<void> {
    await Promise.all(this.#workers.map(({ child, gone }) => Promise.race([once(child, "message"), gone])));
  }

  /** Does harm, again and again, until the signal aborts. */
  async harass(random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(systemClock, 0.5 + random.next() * 1.5, signal);
      if (signal.aborted) return;
      const worker = random.pick(this.#workers);
      const does = random.chance(0.15) ? "freeze" : "kill";
      if (!worker.isAtWork) continue;
      if (does === "freeze") this.#freeze(worker, signal);
      else this.#kill(worker);
    }
  }

  /** Kills every worker at once. */
  async killAll(): Promise<void> {
    this.kills += this.#workers.length;
    for (const { child } of this.#workers) child.kill("SIGKILL");
    await Promise.all(this.#workers.map(({ gone }) => gone));
  }

  #kill(worker: Worker): void {
    this.kills += 1;
    worker.child.kill("SIGKILL");
    this.#workers[this.#workers.indexOf(worker)] = this.#start(worker.role);
  }

  #freeze({ name, child }: Worker, signal: AbortSignal): void {
    this.frozen.add(name);
    child.kill("SIGSTOP");
    void pause(systemClock, FROZEN_SECONDS, signal).then(() => child.kill("SIGCONT"));
  }

  #start(role: WorkerSettings["role"]): Worker {
    const { connection, seed, folder, onMessage } = this.#settings;
    this.#started += 1;
    const name = `${role}-${this.#started}`;
    const settings: WorkerSettings = { ...connection, name, role, seed };
    const log = openSync(join(folder, `${name}.log`), "w", 0o600);
    const child = fork(PROGRAM, [JSON.stringify(settings)], {
      stdio: ["ignore", log, log, "ipc"],
      execArgv: [],
    });
    closeSync(log);
    const worker = { isAtWork: false, name, role, child, gone: once(child, "exit") };
    child.on("message", (message: WorkerMessage) => {
      worker.isAtWork = true;
      onMessage(message);
    });
    child.on("exit", (code) => {
      if (code === null) return;
      onMessage({ kind: "broken", what: `${name} ended by itself, with ${code}: see its log` });
    });
    return worker;
  }
}
