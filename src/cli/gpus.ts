/** `atlas-compute gpus`: the GPUs that the providers offer now, and the places that a request would try. */
import { Command } from "commander";
import { collectPlacements, type Placements } from "../lifecycle/spawn/candidates.ts";
import type { GpuType } from "../provider.ts";
import { parseRequest } from "../request.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { refusalText } from "./failure.ts";
import { print, printTable } from "./print.ts";
import { objectOf } from "./spawn-request.ts";
import type { Column } from "./table.ts";
import { dollars } from "./text.ts";
import type { CliWorld } from "./world.ts";

interface GpusFlags extends ClientFlags {
  readonly for?: Readonly<Record<string, unknown>>;
}

/** A place that a request would try. */
interface Place {
  readonly position: number;
  readonly provider: string;
  readonly gpu: string | null;
  readonly region: string | null;
  readonly costPerHour: number | null;
}

const COLUMNS: readonly Column<GpuType>[] = [
  { title: "GPU", cell: ({ name, id }) => name ?? id },
  { title: "PROVIDER", cell: ({ provider }) => provider },
  { title: "MEMORY", cell: ({ memoryGb }) => (memoryGb === undefined ? "" : `${memoryGb} GB`), order: 2 },
  { title: "$/HOUR", cell: ({ costPerHour }) => dollars(costPerHour) },
  { title: "STOCK", cell: ({ stock }) => stock },
  { title: "REGIONS", cell: ({ regions }) => regions.join(" "), order: 3 },
  { title: "ID", cell: ({ id }) => id, order: 1 },
];

const PLACE_COLUMNS: readonly Column<Place>[] = [
  { title: "TRY", cell: ({ position }) => String(position) },
  { title: "PROVIDER", cell: ({ provider }) => provider },
  { title: "GPU", cell: ({ gpu }) => gpu ?? "" },
  { title: "REGION", cell: ({ region }) => region ?? "" },
  { title: "$/HOUR", cell: ({ costPerHour }) => dollars(costPerHour) },
];

const HELP = `
With --for, nothing is created: the list shows the places that spawn would try, in this order, and then each place that refuses, with its reason.
Exit code 1 means that nothing can place the request now.

Examples:
  $ atlas-compute gpus --provider runpod --provider docker
  $ atlas-compute gpus --provider runpod --for '{"gpu":["rtx-4090","l40s"],"image":"ghcr.io/me/server:1","maxCostPerHour":1}'`;

/** Builds the command. */
export function gpusCommand(world: CliWorld): Command {
  return clientOptions(new Command("gpus"))
    .description("Lists GPUs with price and stock, cheapest first, or the places that a request would try.")
    .option("--for <json>", "a request, as spawnCompute takes it", objectOf)
    .addHelpText("after", HELP)
    .action(withClient<GpusFlags>(world, gpus));
}

async function gpus(desk: Desk, flags: GpusFlags): Promise<ExitCode> {
  if (flags.for !== undefined)
    return showPlaces(desk, await collectPlacements(desk.parts, parseRequest(flags.for), undefined));
  const types = [...(await desk.atlas.listGpuTypes())].sort(byPrice);
  printTable(desk, types, COLUMNS, "No provider of this client tells its GPUs: see --provider.");
  return EXIT.done;
}

function byPrice(left: GpuType, right: GpuType): number {
  const price = ({ costPerHour }: GpuType): number => costPerHour ?? Number.MAX_VALUE;
  return price(left) - price(right) || left.id.localeCompare(right.id);
}

function showPlaces(desk: Desk, { placements, refusals }: Placements): ExitCode {
  const places = placements.map(
    ({ provider, candidate }, index): Place => ({
      position: index + 1,
      provider: provider.name,
      gpu: candidate.gpu ?? null,
      region: candidate.region ?? null,
      costPerHour: candidate.costPerHour ?? null,
    }),
  );
  printTable(desk, places, PLACE_COLUMNS, "Nothing can place this request now.");
  for (const refusal of refusals)
    print(desk, { refused: refusal }, () => `refused  ${refusalText(refusal)}\n`);
  return places.length > 0 ? EXIT.done : EXIT.failed;
}
