/** All schedules of a scenario, up to a number of moves. */
import { type Move, scheduleText } from "./move.ts";
import { findingsAtRest, problems } from "./rest.ts";
import type { Scenario } from "./scenario.ts";
import { World } from "./world.ts";

/** A schedule that breaks a law. */
export interface Failure {
  readonly schedule: string;
  readonly findings: readonly string[];
}

/** The result of an exploration. */
export interface Explored {
  /** The number of different states that were reached. */
  readonly states: number;
  /** The number of moves that were made, also those that repeat the beginning of a schedule. */
  readonly moves: number;
  /** The number of schedules that these states stand for. */
  readonly schedules: bigint;
  /** The number of states that were brought to rest: each by which a schedule ends. */
  readonly ends: number;
  readonly failure?: Failure;
}

/** Explores every schedule of so many moves. It stops at the first one that breaks a law. @throws Error when the time is over */
export async function explore(
  scenario: Scenario,
  depth: number,
  until: number = Number.POSITIVE_INFINITY,
): Promise<Explored> {
  const exploration = new Exploration(scenario, until);
  const schedules = await exploration.from(await World.begin(scenario, true), [], depth);
  return { ...exploration.counts, schedules, ...(exploration.failure && { failure: exploration.failure }) };
}

class Exploration {
  readonly counts = { states: 0, moves: 0, ends: 0 };
  failure: Failure | undefined;
  readonly #scenario: Scenario;
  readonly #until: number;
  /** For each state and the number of moves that are left, the number of schedules that go on from there. */
  readonly #known = new Map<string, bigint>();

  constructor(scenario: Scenario, until: number) {
    this.#scenario = scenario;
    this.#until = until;
  }

  /** Explores everything that can follow these moves, which have led the world to its present state. @returns the number of schedules */
  async from(world: World, moves: readonly Move[], left: number): Promise<bigint> {
    if (this.#isBroken(moves, problems(world))) return 0n;
    const state = `${left} ${world.mark()}`;
    const known = this.#known.get(state);
    if (known !== undefined) return known;
    const schedules = await this.#explore(world, moves, left);
    this.#known.set(state, schedules);
    return schedules;
  }

  async #explore(world: World, moves: readonly Move[], left: number): Promise<bigint> {
    this.counts.states += 1;
    if (Date.now() > this.#until) throw new Error(`the time was over after ${this.counts.states} states`);
    const possible = left === 0 ? [] : world.moves();
    if (possible.length === 0) {
      return this.#end(world, moves);
    }
    let schedules = 0n;
    for (const [index, move] of possible.entries()) {
      // The first one continues in this world. The others begin anew, because promises cannot be copied.
      const next = index === 0 ? world : await this.#replay(moves);
      await next.play(move);
      this.counts.moves += 1;
      schedules += await this.from(next, [...moves, move], left - 1);
      if (this.failure !== undefined) break;
    }
    return schedules;
  }

  /**
   * Brings the world to rest: with all processes, and then again without each that has not ended. A process that is not let go on after its last move
   * has crashed there: until the end, its death and its silence are the same for all others.
   */
  async #end(world: World, moves: readonly Move[]): Promise<bigint> {
    const crashes = world.processes
      .filter(({ isBusy }) => isBusy)
      .map(({ name: process }): Move => ({ kind: "crash", process, arrives: false }));
    this.counts.ends += 1;
    if (this.#isBroken(moves, await findingsAtRest(world))) return 1n;
    for (const crash of crashes) {
      const crashed = await this.#replay(moves);
      await crashed.play(crash);
      this.counts.ends += 1;
      if (this.#isBroken([...moves, crash], await findingsAtRest(crashed))) break;
    }
    return BigInt(1 + crashes.length);
  }

  async #replay(moves: readonly Move[]): Promise<World> {
    const world = await World.begin(this.#scenario, true);
    for (const move of moves) await world.play(move);
    this.counts.moves += moves.length;
    return world;
  }

  #isBroken(moves: readonly Move[], findings: readonly string[]): boolean {
    if (findings.length > 0)
      this.failure ??= { schedule: scheduleText(this.#scenario.name, moves), findings };
    return this.failure !== undefined;
  }
}
