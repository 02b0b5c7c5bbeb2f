/** The state of the fake Fly: apps, addresses, machines and volumes, whose states follow the clock. */
import type { Clock } from "../../src/clock.ts";
import { flyRefusals, Refused } from "./fly-refusals.ts";

/** The delays of the fake. */
export interface CloudTiming {
  readonly bootSeconds: number;
  readonly stopSeconds: number;
  readonly destroySeconds: number;
  readonly removeAppSeconds: number;
  /** The seconds in which a new app or machine is missing from the organization's lists. */
  readonly listLagSeconds: number;
  /** The seconds in which parts of Fly do not know a new app, and answer 404 and 401 in turn. */
  readonly appSpreadSeconds: number;
}

export interface FakeAddress {
  readonly ip: string;
  readonly region: string;
  readonly shared: boolean;
  readonly created_at: string;
}

export interface FakeVolume {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly size_gb: number;
}

export interface FakeEvent {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly source: string;
  readonly timestamp: number;
  readonly request?: unknown;
}

/** A machine's configuration as the create sent it. */
export interface FakeConfig {
  readonly image: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly guest?:
    | { readonly cpu_kind: string; readonly cpus: number; readonly memory_mb: number }
    | undefined;
  readonly mounts?: readonly { readonly volume: string; readonly path: string }[] | undefined;
  readonly [key: string]: unknown;
}

interface Transition {
  readonly at: number;
  readonly state: string;
}

/** A machine: its configuration, and its way through the states. */
export class FakeMachine {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly config: FakeConfig;
  readonly createdAt: number;
  readonly logs: { readonly at: number; readonly message: string; readonly provider: string }[] = [];
  hostStatus: "ok" | "unreachable" = "ok";
  #events: FakeEvent[] = [];
  #transitions: Transition[] = [];
  readonly #clock: Clock;

  constructor(id: string, name: string, region: string, config: FakeConfig, clock: Clock) {
    this.id = id;
    this.name = name;
    this.region = region;
    this.config = config;
    this.#clock = clock;
    this.createdAt = clock.now().getTime();
  }

  get state(): string {
    const now = this.#clock.now().getTime();
    return this.#transitions.findLast(({ at }) => at <= now)?.state ?? "created";
  }

  get isAlive(): boolean {
    return this.state !== "destroyed";
  }

  get events(): readonly FakeEvent[] {
    const now = this.#clock.now().getTime();
    return this.#events.filter(({ timestamp }) => timestamp <= now).toReversed();
  }

  /** Goes through these states, each that many seconds after the one before. Drops pending states. */
  go(...steps: readonly (readonly [state: string, afterSeconds: number])[]): void {
    let at = this.#clock.now().getTime();
    this.#transitions = this.#transitions.filter((transition) => transition.at <= at);
    this.#events = this.#events.filter(({ timestamp }) => timestamp <= at);
    for (const [state, seconds] of steps) {
      at += seconds * 1000;
      this.#transitions.push({ at, state });
      if (state === "started") this.#record(at, "start", "started");
    }
  }

  /** The program ends by itself. */
  exit(exitCode: number, oomKilled = false): void {
    this.go(["stopped", 0]);
    const exit = { exit_code: exitCode, oom_killed: oomKilled, requested_stop: false };
    this.#record(this.#clock.now().getTime(), "exit", "stopped", { exit_event: exit });
  }

  /** The program ends on request. */
  stop(state: "stopped" | "suspended", seconds: number): void {
    this.go([state === "stopped" ? "stopping" : "suspending", 0], [state, seconds]);
    const at = this.#clock.now().getTime() + seconds * 1000;
    const exit = { exit_code: 143, oom_killed: false, requested_stop: true };
    this.#record(at, "exit", state, { exit_event: exit });
  }

  #record(timestamp: number, type: string, status: string, request?: unknown): void {
    const id = `01EVENT${this.#events.length}`;
    this.#events.push({ id, type, status, source: "flyd", timestamp, ...(request ? { request } : {}) });
  }
}

/** An app with its addresses, machines and volumes. */
export class FakeApp {
  readonly name: string;
  readonly org: string;
  readonly network: string;
  readonly createdAt: number;
  readonly addresses: FakeAddress[] = [];
  readonly machines: FakeMachine[] = [];
  readonly volumes: FakeVolume[] = [];
  goneAt: number | undefined;
  /** The time from which every part of Fly knows it. */
  knownAt = 0;

  constructor(name: string, org: string, network: string, createdAt: number) {
    this.name = name;
    this.org = org;
    this.network = network;
    this.createdAt = createdAt;
  }

  get liveMachines(): readonly FakeMachine[] {
    return this.machines.filter(({ isAlive }) => isAlive);
  }
}

/** The whole state. */
export class FlyCloud {
  readonly clock: Clock;
  readonly timing: CloudTiming;
  /** Every machine, destroyed ones too. */
  readonly everMade: FakeMachine[] = [];
  #apps: FakeApp[] = [];
  #made = 0;
  #strange = 0;

  constructor(clock: Clock, timing: CloudTiming) {
    this.clock = clock;
    this.timing = timing;
  }

  /** Existing apps, including those whose deletion has begun. */
  get apps(): readonly FakeApp[] {
    const now = this.clock.now().getTime();
    return this.#apps.filter(({ goneAt }) => goneAt === undefined || goneAt > now);
  }

  get machines(): readonly { readonly app: FakeApp; readonly machine: FakeMachine }[] {
    return this.apps.flatMap((app) => app.machines.map((machine) => ({ app, machine })));
  }

  /** The name of every machine, destroyed ones too. */
  get createdNames(): readonly string[] {
    return this.everMade.map(({ name }) => name);
  }

  app(name: string): FakeApp {
    const app = this.apps.find((other) => other.name === name);
    if (app === undefined) throw new Refused({ status: 404, error: `app not found: ${name}` });
    if (this.clock.now().getTime() < app.knownAt) {
      this.#strange += 1;
      throw new Refused(
        this.#strange % 2 === 0 ? flyRefusals.badToken : { status: 404, error: "Could not find App" },
      );
    }
    return app;
  }

  machine(app: FakeApp, id: string): FakeMachine {
    const machine = app.machines.find((other) => other.id === id);
    if (machine === undefined) throw new Refused({ status: 404, error: "machine not found" });
    return machine;
  }

  addApp(name: string, org: string, network: string): FakeApp {
    const app = new FakeApp(name, org, network, this.clock.now().getTime());
    this.#apps = [...this.apps, app];
    return app;
  }

  /** Begins the deletion of an app, which also ends its machines. */
  removeApp(app: FakeApp): void {
    const now = this.clock.now().getTime();
    for (const machine of app.liveMachines) this.destroy(machine, this.timing.removeAppSeconds);
    app.goneAt ??= now + this.timing.removeAppSeconds * 1000;
  }

  addMachine(app: FakeApp, name: string, region: string, config: FakeConfig): FakeMachine {
    const machine = new FakeMachine(this.newId(), name, region, config, this.clock);
    app.machines.push(machine);
    this.everMade.push(machine);
    const { bootSeconds } = this.timing;
    machine.go(["created", 0], ["starting", bootSeconds / 2], ["started", bootSeconds / 2]);
    return machine;
  }

  destroy(machine: FakeMachine, seconds: number = this.timing.destroySeconds): void {
    if (machine.state !== "destroyed" && machine.state !== "destroying")
      machine.go(["destroying", 0], ["destroyed", seconds]);
  }

  /** True when the organization's lists show it. */
  isListed({ createdAt }: { readonly createdAt: number }): boolean {
    return createdAt + this.timing.listLagSeconds * 1000 <= this.clock.now().getTime();
  }

  /** An id in Fly's form. */
  newId(): string {
    this.#made += 1;
    return (0xe286_5000_0000 + this.#made * 0x1_0001).toString(16);
  }
}
