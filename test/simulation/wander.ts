/** Random schedules of a scenario, each from a number that repeats it. */
import { Chance } from "./chance.ts";
import type { Failure } from "./explore.ts";
import { type Move, scheduleText } from "./move.ts";
import { findingsAtRest, problems } from "./rest.ts";
import type { Scenario } from "./scenario.ts";
import { World } from "./world.ts";

/** The weight of each kind of move, so that a call is likely and a crash is rare. */
const WEIGHTS: Readonly<Record<Move["kind"], number>> = { call: 10, pause: 3, leap: 1, crash: 0.3, event: 1 };
/** The weight of a call that meets a fault, of all of them together. */
const FAULT_WEIGHT = 0.7;

/** The result of one random schedule. */
export interface Wandered {
  readonly moves: number;
  readonly failure?: Failure;
}

/** Plays the random schedule of this number, and judges it after each move and at rest. */
export async function wander(scenario: Scenario, seed: number, longest: number): Promise<Wandered> {
  const chance = new Chance(`schedule ${seed}`);
  const world = await World.begin(scenario, false);
  const moves: Move[] = [];
  for (let count = 0; count < longest && problems(world).length === 0; count += 1) {
    const move = chosen(world.moves(), chance);
    if (move === undefined) break;
    moves.push(move);
    await world.play(move);
  }
  const found = problems(world);
  const findings = found.length > 0 ? found : await findingsAtRest(world);
  const failure = { schedule: scheduleText(scenario.name, moves), findings };
  return { moves: moves.length, ...(findings.length > 0 && { failure }) };
}

/** Plays a schedule. @returns the findings, those at rest included */
export async function replay(scenario: Scenario, moves: readonly Move[]): Promise<readonly string[]> {
  const world = await World.begin(scenario, false);
  for (const move of moves) await world.play(move);
  const found = problems(world);
  return found.length > 0 ? found : findingsAtRest(world);
}

/** Leaves out the moves without which the schedule still fails, one after the other. */
export async function shorten(scenario: Scenario, moves: readonly Move[]): Promise<readonly Move[]> {
  let shortest = moves;
  for (let index = shortest.length - 1; index >= 0; index -= 1) {
    const shorter = shortest.filter((_, other) => other !== index);
    if (await fails(scenario, shorter)) shortest = shorter;
  }
  return shortest;
}

/** True for a schedule that is possible and breaks a law. */
async function fails(scenario: Scenario, moves: readonly Move[]): Promise<boolean> {
  try {
    return (await replay(scenario, moves)).length > 0;
  } catch {
    return false; // Without the move that was left out, a later one is not possible.
  }
}

function chosen(moves: readonly Move[], chance: Chance): Move | undefined {
  const faults = moves.filter(isFault).length;
  const weights = moves.map((move) => (isFault(move) ? FAULT_WEIGHT / faults : WEIGHTS[move.kind]));
  let left = chance.next() * weights.reduce((sum, weight) => sum + weight, 0);
  return moves.find((_, index) => {
    left -= weights[index] ?? 0;
    return left < 0;
  });
}

function isFault(move: Move): boolean {
  return move.kind === "call" && move.passage !== "answered";
}
