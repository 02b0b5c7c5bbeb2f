/** `atlas-compute touch`, `extend`, `stop` and `start`: one change of one compute. */
import { Command } from "commander";
import type { Compute } from "../compute.ts";
import type { ActOptions } from "../lifecycle/actor.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { print } from "./print.ts";
import { endsIn, portFacts, statusOf } from "./shown.ts";
import { facts } from "./table.ts";
import { secondsOf } from "./values.ts";
import { actorOf, type CliWorld } from "./world.ts";

/** A change that needs only the compute. */
interface Change {
  readonly name: string;
  readonly description: string;
  readonly apply: (compute: Compute, actor: ActOptions) => Promise<unknown>;
}

const CHANGES: readonly Change[] = [
  {
    name: "touch",
    description: "Notes a sign of life of a compute's user, so that its idle end moves.",
    apply: (compute, actor) => compute.touch(actor),
  },
  {
    name: "stop",
    description: "Stops a pod so that start can bring it back; its disk may continue to cost money.",
    apply: (compute, actor) => compute.stop(actor),
  },
  { name: "start", description: "Starts a stopped pod.", apply: (compute, actor) => compute.start(actor) },
];

/** Builds `touch`, `stop` and `start`. */
export function changeCommands(world: CliWorld): readonly Command[] {
  return CHANGES.map(({ name, description, apply }) =>
    clientOptions(new Command(name))
      .description(description)
      .argument("<id>", "the compute's id")
      .addHelpText("after", `\nExample:\n  $ atlas-compute ${name} 3f9k2m7q0x1c8v5b4n6z`)
      .action(
        withClient<ClientFlags>(world, async (desk, _, [id = ""]) => {
          const compute = await desk.atlas.getCompute(id);
          await apply(compute, actorOf(world));
          return tell(desk, compute);
        }),
      ),
  );
}

/** Builds `extend`. */
export function extendCommand(world: CliWorld): Command {
  return clientOptions(new Command("extend"))
    .description("Moves the planned ends of a compute away.")
    .argument("<id>", "the compute's id")
    .argument("<time>", "the time to add: 90, 15m or 2h", secondsOf)
    .addHelpText("after", "\nExample:\n  $ atlas-compute extend 3f9k2m7q0x1c8v5b4n6z 2h")
    .action(withClient<ClientFlags>(world, extend));
}

async function extend(
  desk: Desk,
  _: ClientFlags,
  [id = "", time = ""]: readonly string[],
): Promise<undefined> {
  const compute = await desk.atlas.getCompute(id);
  await compute.extend(secondsOf(time), actorOf(desk.world));
  return tell(desk, compute);
}

function tell(desk: Desk, compute: Compute): undefined {
  const shown = compute.snapshot();
  print(desk, shown, () =>
    facts([
      ["compute", shown.id],
      ["status", statusOf(shown)],
      ...portFacts(compute),
      ["ends in", endsIn(shown)],
    ]),
  );
}
