/** `atlas-compute volumes`: the volumes that are kept for users, which no end of a compute removes. */
import { Command } from "commander";
import type { CallContext } from "../call-context.ts";
import { AtlasError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import type { KeptVolume, KeptVolumes } from "../providers/docker/types.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { confirmed } from "./confirm.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { printTable } from "./print.ts";
import type { Column } from "./table.ts";
import type { CliWorld } from "./world.ts";

interface ListFlags extends ClientFlags {
  readonly user?: string;
  readonly slot?: string;
}

interface RemoveFlags extends ClientFlags {
  readonly yes?: boolean;
}

/** A kept volume, and the provider that keeps it. */
interface Kept extends KeptVolume {
  readonly provider: string;
}

interface Keeper {
  readonly name: string;
  readonly volumes: KeptVolumes;
}

const COLUMNS: readonly Column<Kept>[] = [
  { title: "VOLUME", cell: ({ name }) => name },
  { title: "PROVIDER", cell: ({ provider }) => provider },
  { title: "CREATED", cell: ({ createdAt }) => createdAt?.toISOString() ?? "", order: 1 },
];

const HELP = `
A volume is kept for a user and a slot where a request says providerOptions.docker.volume "keep". Its name is a hash, which hides the user.

Examples:
  $ atlas-compute volumes list --provider docker
  $ atlas-compute volumes list --provider docker --user user_42 --slot notebook
  $ atlas-compute volumes remove --provider docker atlas-default-0f4c1b2a3d4e5f60718293a4b5c6d7e8`;

/** Builds the command with its subcommands. */
export function volumesCommand(world: CliWorld): Command {
  const command = clientOptions(new Command("volumes"))
    .description("Lists and removes the volumes that are kept for users.")
    .addHelpText("after", HELP);
  command
    .command("list")
    .description("lists the kept volumes of the namespace")
    .option("--user <id>", "only that of this user")
    .option("--slot <name>", "only that of this slot of the user")
    .action(withClient<ListFlags>(world, list));
  command
    .command("remove")
    .description("removes kept volumes with all that is in them")
    .argument("<name...>", "the volumes' names")
    .option("-y, --yes", "do not ask")
    .action(withClient<RemoveFlags>(world, remove));
  return command;
}

async function list(desk: Desk, { user, slot }: ListFlags): Promise<undefined> {
  if (slot !== undefined && user === undefined)
    throw new AtlasError("VALIDATION", "A slot belongs to a user: pass --user as well.");
  const all = await keptVolumes(desk);
  const isWanted = ({ volumes }: Keeper, name: string): boolean =>
    user === undefined || volumes.nameOf(desk.parts.namespace, user, slot) === name;
  const rows = all.filter(({ keeper, kept }) => isWanted(keeper, kept.name)).map(({ kept }) => kept);
  printTable(desk, rows, COLUMNS, "No volume is kept.");
}

async function remove(desk: Desk, { yes }: RemoveFlags, names: readonly string[]): Promise<ExitCode> {
  const all = await keptVolumes(desk);
  const chosen = names.map((name) => {
    const found = all.find(({ kept }) => kept.name === name);
    if (found !== undefined) return found;
    throw new AtlasError("NOT_FOUND", `No volume ${name} is kept in namespace "${desk.parts.namespace}".`);
  });
  const question = `Remove ${chosen.length === 1 ? "this volume" : `these ${chosen.length} volumes`} with all data?`;
  const rows = chosen.map(({ kept }) => kept);
  if (!yes && !(await confirmed(desk.world, question, { rows, columns: COLUMNS }))) return EXIT.failed;
  for (const { keeper, kept } of chosen) {
    await keeper.volumes.remove(kept.name, callContext(desk));
    desk.world.stderr(`Volume ${kept.name} is removed.\n`);
  }
  return EXIT.done;
}

async function keptVolumes(desk: Desk): Promise<readonly { readonly keeper: Keeper; readonly kept: Kept }[]> {
  const keepers = desk.parts.providers.filter(keepsVolumes);
  if (keepers.length === 0)
    throw new AtlasError("UNSUPPORTED", "No provider of this client keeps volumes: pass --provider docker.");
  const lists = keepers.map(async (keeper) => {
    const { name: provider, volumes } = keeper;
    const kept = await volumes.list(desk.parts.namespace, callContext(desk));
    return kept.map((volume) => ({ keeper, kept: { ...volume, provider } }));
  });
  return (await Promise.all(lists)).flat();
}

function keepsVolumes(provider: Provider): provider is Provider & Keeper {
  return "volumes" in provider;
}

function callContext({ parts }: Desk): CallContext {
  const { requestTimeoutSeconds } = parts.timing;
  return { signal: AbortSignal.timeout(requestTimeoutSeconds * 1000), requestTimeoutSeconds };
}
