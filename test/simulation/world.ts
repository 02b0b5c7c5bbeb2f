/** A simulated world: processes with the real lifecycle code, a real store, and a provider, in which nothing moves but by the schedule. */
import { hash } from "node:crypto";
import { Atlas } from "../../src/atlas.ts";
import { toContext } from "../../src/atlas-options.ts";
import { AtlasError } from "../../src/errors.ts";
import { memoryStore } from "../../src/index.ts";
import type { Context } from "../../src/lifecycle/context.ts";
import { type MockProvider, mock } from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { surround } from "../support/intercept.ts";
import { drawFrom } from "./chance.ts";
import { Laws } from "./laws.ts";
import { LAST_LINE } from "./look-laws.ts";
import { type Move, moveText, type Passage, type WorldEvent } from "./move.ts";
import { answerOfPod } from "./pod.ts";
import { type Call, Process } from "./process.ts";
import type { Allowance, Ledger, Role, Scenario } from "./scenario.ts";
import { SimulatedTime } from "./time.ts";
import { turn } from "./turns.ts";

/** Calls that change what others see, or read what others change. The others answer the same at any time, and do not wait at the gate. */
const STORE_CALLS = [
  "insert",
  "get",
  "getByIdempotencyKey",
  "getBySlot",
  "replace",
  "list",
  "claimDue",
  "remember",
];
const STORE_CALLS_AND_READINGS = [...STORE_CALLS, "now"];
const PROVIDER_CALLS = ["create", "get", "list", "find", "terminate", "stop", "start"];

/** The answers of an API that shows nothing, by method. */
const UNSEEN: Readonly<Record<string, unknown>> = {
  list: [],
  find: [],
  get: undefined,
  terminate: undefined,
};

/** The owner tag of the world's store. */
export const OWNER = "00000000-0000-4000-8000-000000000000";

/** One world. */
export class World {
  readonly scenario: Scenario;
  readonly time: SimulatedTime<Process> = new SimulatedTime();
  readonly store: Store;
  readonly provider: MockProvider;
  readonly laws: Laws;
  readonly processes: Process[] = [];
  readonly ledger: Ledger = {
    held: new Set(),
    excuses: new Set(),
    answered: new Set(),
    fallen: new Set(),
    problems: [],
    printed: [],
    tokens: [],
    shared: new Map(),
    podsAnswer: true,
  };
  /** True lets every call through at once. */
  isOpen = false;
  isBlackedOut = false;
  #left: Allowance;
  readonly #roles = new Map<Process, Role>();
  readonly #isMarked: boolean;

  constructor(scenario: Scenario, isMarked: boolean) {
    this.scenario = scenario;
    this.#isMarked = isMarked;
    this.#left = scenario.allowance;
    const clock = this.time.plain;
    // A fixed identity, so that every run has the same owner tag.
    this.store = surround(memoryStore({ clock }), ["identity"], async () => OWNER);
    this.provider = mock({ clock, ...scenario.mock });
    this.laws = new Laws({
      instances: () => this.provider.instances,
      owner: OWNER,
      now: () => this.time.now,
      limits: scenario.limits ?? {},
      isForeign: (process) => this.#roles.get(process)?.deployment !== undefined,
      lookSeconds: LOOK_SECONDS,
      budget: scenario.budget,
      isDisturbed: () => this.ledger.fallen.size > 0,
      onlyWaits: (process) => this.#roles.get(process)?.onlyWaits === true,
    });
    this.ledger.podsAnswer = scenario.podsAnswer ?? true;
    scenario.begin?.(this.provider, OWNER);
  }

  /**
   * Makes a world and lets every process come to its first call.
   * @param isMarked false where `mark` is not called, which makes every move cheaper
   */
  static async begin(scenario: Scenario, isMarked: boolean): Promise<World> {
    const world = new World(scenario, isMarked);
    world.isOpen = true;
    for (const role of scenario.prologue ?? []) await world.complete(await world.start(role));
    world.isOpen = false;
    for (const role of scenario.roles) await world.start(role);
    return world;
  }

  /** Starts a process. */
  async start(role: Role): Promise<Process> {
    const process = new Process(role.name, this.#isMarked);
    this.processes.push(process);
    const print = (...said: readonly unknown[]): void => void this.ledger.printed.push(JSON.stringify(said));
    drawFrom(process.chance);
    this.#roles.set(process, role);
    const store = process.gated(this.store, "store", STORE_CALLS_AND_READINGS, this);
    const atlas = new Atlas({
      ...contextOf(this.scenario),
      providers: [process.gated(this.#providerOf(role), "provider", PROVIDER_CALLS, this)],
      store: store.forDeployment(role.deployment ?? PRODUCTION),
      clock: this.time.clockOf(process, role.wrongSeconds ?? 0, (time) => process.hear(time)),
      fetch: process.gated(
        { fetch: (...given: Parameters<typeof fetch>) => answerOfPod(this, given) },
        "pod",
        ["fetch"],
        this,
      ).fetch,
      logger: { debug: print, info: print, warn: print, error: print },
    });
    void this.#follow(process, role.program(atlas, this.ledger, process));
    await this.drain();
    return process;
  }

  /** The moves that are possible now. */
  moves(): readonly Move[] {
    const busy = this.processes.filter(({ isBusy }) => isBusy);
    const { crashes, faults, leaps, events } = this.#left;
    return [
      ...busy.flatMap((process) => callMoves(process, faults > 0)),
      ...(this.#firstPause() === undefined ? [] : [{ kind: "pause" } as const]),
      ...(leaps > 0 && busy.length > 0
        ? this.scenario.leaps.map((seconds) => ({ kind: "leap", seconds }) as const)
        : []),
      ...(crashes > 0 ? busy.flatMap(crashMoves) : []),
      ...(events > 0 ? (this.scenario.events ?? []).map((event) => ({ kind: "event", event }) as const) : []),
    ];
  }

  /** Makes a move. @throws Error for one that is not possible */
  async play(move: Move): Promise<void> {
    switch (move.kind) {
      case "call": {
        const process = this.#named(move.process);
        const call = process?.waiting[move.at];
        if (process === undefined || call === undefined) throw impossible(move);
        if (move.passage !== "answered") this.#spend("faults");
        return this.#pass(process, call, move.passage);
      }
      case "crash": {
        const process = this.#named(move.process);
        if (process === undefined || !process.isBusy) throw impossible(move);
        this.#spend("crashes");
        return this.#crash(process, move.arrives);
      }
      case "pause": {
        const pause = this.#firstPause();
        if (pause === undefined) throw impossible(move);
        return this.moveTo(pause.at);
      }
      case "leap":
        this.#spend("leaps");
        return this.moveTo(this.time.now + move.seconds * 1000);
      case "event":
        this.#spend("events");
        return this.happen(move.event);
    }
  }

  /** Lets a process go on, with nothing in its way, until its program ends. */
  async complete(process: Process): Promise<void> {
    for (let turn = 0; process.isBusy; turn += 1) {
      await this.drain();
      const next = this.time.first(({ owner }) => owner.isBusy);
      if (!process.isBusy) break;
      if (next === undefined || turn > MAX_TURNS) {
        this.ledger.problems.push(`law 10: ${process.name} goes on for ever`);
        return process.die();
      }
      await this.moveTo(next.at);
    }
  }

  /** Moves time. Sleepers wake in order, each at its own time. */
  async moveTo(end: number): Promise<void> {
    for (;;) {
      const next = this.time.first(({ owner, at }) => owner.isBusy && at <= end);
      if (next === undefined) break;
      next.owner.hear("woken");
      drawFrom(next.owner.chance);
      this.time.end(next);
      await this.drain();
    }
    this.time.now = Math.max(this.time.now, end);
  }

  /** Lets all that can go on without another move go on. */
  async drain(): Promise<void> {
    await turn();
  }

  /** Judges a call when a process makes it, and lets it through at once where nothing is scheduled any more. */
  opens(process: Process, call: Call): boolean {
    this.laws.sent(process, call);
    const isReading = call.method === "now" && !this.scenario.readingsWait;
    if (isReading) process.hear(this.time.now);
    if (this.isOpen || isReading) void this.#effect(process, call).then((answer) => give(call, answer));
    return this.isOpen || isReading;
  }

  /** Lets every call through from now on, also those that wait. */
  async open(): Promise<void> {
    this.isOpen = true;
    for (const process of this.processes)
      for (const call of process.waiting) await this.#pass(process, call, "answered");
  }

  /** The mark of the whole state, from which alone the future follows. */
  mark(): string {
    // A process that has ended tells the world nothing more, beside what its callers hold.
    const processes = this.processes.map(({ name, isBusy, heard }) => (isBusy ? name + heard : ""));
    const { held, excuses, shared } = this.ledger;
    const told = JSON.stringify([[...held].sort(), [...excuses].sort(), [...shared]]);
    const records = [...this.laws.records.values()].map((record) => JSON.stringify(record)).sort();
    const instances = this.provider.instances.map(({ id, name, status }) => `${id} ${name} ${status}`);
    const { crashes, faults, leaps, events } = this.#left;
    const world = [
      this.time.now,
      this.time.due,
      this.isBlackedOut,
      this.ledger.podsAnswer,
      crashes,
      faults,
      leaps,
      events,
    ];
    return hash("sha1", [...world, told, ...processes, ...records, ...instances].join("\n"), "base64");
  }

  /** The provider as a process sees it: nothing is there for another account's key, nor while the API errs. */
  #providerOf({ hasOtherKey = false }: Role): MockProvider {
    const isBlind = (): boolean => hasOtherKey || this.isBlackedOut;
    const seen = surround(this.provider, Object.keys(UNSEEN), async (call, method) =>
      isBlind() ? UNSEEN[method] : call(),
    );
    const { budget } = this.scenario;
    const own = {
      lookSeconds: LOOK_SECONDS,
      budget,
      ...(hasOtherKey && { account: async () => "another-account" }),
    };
    return new Proxy(seen, { get: (of, key) => Reflect.get(Object.hasOwn(own, key) ? own : of, key) });
  }

  /** A sleep between two steps of a process, which no call interrupts. */
  #firstPause(): { readonly at: number } | undefined {
    return this.time.first(({ owner, isLimit }) => owner.isBusy && !isLimit);
  }

  #named(name: string): Process | undefined {
    return this.processes.find((process) => process.name === name);
  }

  async #pass(process: Process, call: Call, passage: Passage): Promise<void> {
    process.take(call);
    const takesEffect = passage !== "call-lost" && passage !== "refused";
    const answer = takesEffect ? await this.#effect(process, call) : { error: failure(call, passage) };
    if (passage === "refused") this.laws.refused(nameOf(call));
    if (passage === "unanswered") return process.hear("nothing");
    const heard = passage === "answer-lost" ? { error: failure(call, passage) } : answer;
    process.hear("error" in heard ? heard.error : heard.value);
    drawFrom(process.chance);
    give(call, heard);
    await this.drain();
  }

  async #effect(process: Process, call: Call): Promise<Answer> {
    try {
      const value: unknown = await call.run();
      this.laws.done(process, call, value);
      return { value };
    } catch (error) {
      return { error };
    }
  }

  async #crash(process: Process, arrives: boolean): Promise<void> {
    const { waiting } = process;
    process.die();
    if (arrives) for (const call of waiting) await this.#effect(process, call);
  }

  /** Lets an event happen at the provider. */
  happen(event: WorldEvent): void {
    if (event === "pods-answer") this.ledger.podsAnswer = !this.ledger.podsAnswer;
    if (event === "blackout") this.isBlackedOut = !this.isBlackedOut;
    const [ours] = this.provider.instances.filter(
      ({ env, status }) => env.ATLAS_COMPUTE_ID !== undefined && LIVING.includes(status),
    );
    const { ATLAS_COMPUTE_ID: id } = ours?.env ?? {};
    if (ours !== undefined && id !== undefined) this.#strike(event, ours.id, id);
  }

  /** Lets an instance disappear, fail or stop: from now on its compute may end for that reason. */
  #strike(event: WorldEvent, instance: string, id: string): void {
    const { provider, ledger } = this;
    if (event === "vanish") provider.vanish(instance);
    if (event === "halt") provider.setStatus(instance, "stopped");
    if (event === "fail") {
      provider.log(instance, LAST_LINE);
      provider.fail(instance, "its program failed");
    }
    for (const reason of STRIKES[event] ?? []) ledger.excuses.add(`${id} ${reason}`);
    if (event === "halt" || event === "fail") ledger.fallen.add(id);
  }

  async #follow(process: Process, program: Promise<unknown>): Promise<void> {
    try {
      process.outcome = { value: await program };
    } catch (error) {
      process.outcome = { error };
      this.ledger.printed.push(String(error), JSON.stringify(error));
      if (!(error instanceof AtlasError)) this.ledger.problems.push(`${process.name} threw ${String(error)}`);
    }
  }

  #spend(kind: keyof Allowance): void {
    this.#left = { ...this.#left, [kind]: this.#left[kind] - 1 };
  }
}

const LIVING: readonly string[] = ["provisioning", "running", "stopped"];

/** The reasons for which a compute ends after an event that strikes its instance. */
const STRIKES: Readonly<Partial<Record<WorldEvent, readonly string[]>>> = {
  vanish: ["vanished"],
  fail: ["failed"],
  halt: ["stopped_by_provider", "exited"],
};

/** As seldom as a real provider allows. */
const LOOK_SECONDS = 3;
/** The most sleeps of a process that goes on alone. */
const MAX_TURNS = 5000;
const PRODUCTION = "production";

const contexts = new WeakMap<Scenario, Context>();

/** The options of the scenario's clients, which are parsed once. */
function contextOf(scenario: Scenario): Context {
  const { limits, timing } = scenario;
  const known =
    contexts.get(scenario) ?? toContext({ providers: [], deployment: PRODUCTION, limits, timing });
  contexts.set(scenario, known);
  return known;
}

/** The ways in which the waiting calls of a process may go through. */
function callMoves({ name: process, waiting }: Process, withFaults: boolean): readonly Move[] {
  const moves: Move[] = [];
  for (const [at, call] of waiting.entries()) {
    moves.push({ kind: "call", process, at, passage: "answered" });
    if (withFaults) for (const passage of faultsOf(call)) moves.push({ kind: "call", process, at, passage });
  }
  return moves;
}

/** The faults that a call may meet, by its method: what only reads can be lost alone. */
const FAULTS: Readonly<Partial<Record<string, readonly Passage[]>>> = {
  create: ["answer-lost", "call-lost", "unanswered", "refused"],
  terminate: ["answer-lost", "call-lost"],
  stop: ["answer-lost", "call-lost"],
  start: ["answer-lost", "call-lost"],
  insert: ["answer-lost", "call-lost"],
  replace: ["answer-lost", "call-lost"],
  claimDue: ["answer-lost", "call-lost"],
};
const READING_FAULTS: readonly Passage[] = ["call-lost"];

function faultsOf({ method }: Call): readonly Passage[] {
  return FAULTS[method] ?? READING_FAULTS;
}

function crashMoves({ name: process, waiting }: Process): readonly Move[] {
  const changes = waiting.some((call) => faultsOf(call).includes("answer-lost"));
  return [false, ...(changes ? [true] : [])].map((arrives): Move => ({ kind: "crash", process, arrives }));
}

function failure({ side, method }: Call, passage: Passage): unknown {
  if (passage === "refused")
    return new AtlasError("CAPACITY", "the provider has no room", { mayHaveCreated: false });
  if (side === "store") return new AtlasError("STORE_UNAVAILABLE", "the store is down", { retryable: true });
  if (side === "pod") return new TypeError("fetch failed");
  return new AtlasError("TRANSPORT", `the connection broke in ${method}`);
}

function nameOf({ parameters: [reference] }: Call): string {
  return typeof reference === "object" && reference !== null && "name" in reference
    ? String(reference.name)
    : "";
}

/** The result of a call. */
type Answer = { readonly value: unknown } | { readonly error: unknown };

function give(call: Call, answer: Answer): void {
  if ("error" in answer) call.reject(answer.error);
  else call.resolve(answer.value);
}

function impossible(move: Move): Error {
  return new Error(`the move ${moveText(move)} is not possible here`);
}
