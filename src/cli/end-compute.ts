/** The end of a compute that this command waits for. */
import type { Compute } from "../compute.ts";
import { pause } from "../internal/pause.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { actorOf, type CliWorld } from "./world.ts";

/** The longest time that a command waits for the proof of an end. */
const PROOF_SECONDS = 30;

/** Ends a compute and asks until its provider has confirmed it, for a while. @returns `unfinished` when a reaper must go on */
export async function endCompute(compute: Compute, world: CliWorld): Promise<ExitCode> {
  const { clock } = world;
  const until = clock.now().getTime() + PROOF_SECONDS * 1000;
  await compute.terminate(actorOf(world));
  while (compute.status === "terminating" && clock.now().getTime() < until) {
    await pause(clock, 1);
    await compute.terminate();
  }
  return compute.status === "terminating" ? EXIT.unfinished : EXIT.done;
}
