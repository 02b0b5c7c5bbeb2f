/** The client that a command works with: of the configuration file, or of the flags, or of this machine. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Atlas, createAtlas } from "../atlas.ts";
import { AtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import type { Context } from "../lifecycle/context.ts";
import type { Provider } from "../provider.ts";
import { atlasOf, findConfig } from "./config-file.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { openStore } from "./open-store.ts";
import type { Printer } from "./print.ts";
import { collect, namespaceOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

/** The flags that choose the client. */
export interface ClientFlags {
  readonly provider: readonly string[];
  readonly store?: string;
  readonly namespace?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** A client, closed with all that was opened for it. */
export interface OpenClient extends AsyncDisposable {
  readonly atlas: Atlas;
  readonly parts: Context;
  /** The path of the configuration file; `undefined` for a client of the flags, which no other process reaps for. */
  readonly configFile: string | undefined;
}

/** The store of a client that names none. */
const DEFAULT_STORE = "./atlas.db";

const PROVIDERS: Readonly<Record<string, () => Promise<Provider>>> = {
  local: async () => (await import("../providers/local/index.ts")).local(),
  docker: async () => (await import("../providers/docker/index.ts")).docker(),
  runpod: async () => (await import("../providers/runpod/index.ts")).runpod(),
  fly: async () => (await import("../providers/fly/index.ts")).fly(),
};

const FLAGS_HELP = `
Without --provider, --store and --namespace, the client is that of atlas.config.ts, .mts, .mjs or .js in this folder; without such a file it runs
computes as processes of this machine and records them in ${DEFAULT_STORE}. Providers read their keys from the environment, as in your application.`;

/** Adds the flags that choose the client. */
export function clientOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--provider <name>", "provider, in order of preference; repeat it for more")
        .choices(Object.keys(PROVIDERS))
        .argParser((value: string, before: readonly string[]) => collect(known(value), before))
        .default([], "local"),
    )
    .option(
      "--store <place>",
      `sqlite:PATH, a postgres:// URL, or memory (default: ATLAS_DATABASE, else ${DEFAULT_STORE})`,
    )
    .option("--namespace <name>", 'namespace of the application (default: "default")', namespaceOf)
    .option("--config <path>", "file that exports the client (default: atlas.config.ts, .mts, .mjs or .js)")
    .addHelpText("after", FLAGS_HELP);
}

/** The tools of a command that works with a client. */
export interface Desk extends Printer, Omit<OpenClient, typeof Symbol.asyncDispose> {}

/** Makes the action of a command that works with the client that its flags choose. */
export function withClient<Flags extends ClientFlags>(
  world: CliWorld,
  work: (desk: Desk, flags: Flags, operands: readonly string[]) => Promise<ExitCode | undefined>,
): (this: Command, ...given: unknown[]) => Promise<void> {
  return async function (this: Command) {
    const flags: Flags = this.optsWithGlobals();
    await using client = await openClient(flags, world);
    const { atlas, parts, configFile } = client;
    const desk = { atlas, parts, configFile, world, asJson: flags.json === true };
    world.setExitCode((await work(desk, flags, this.args)) ?? EXIT.done);
  };
}

/** Opens the client that the flags choose. @throws VALIDATION */
async function openClient(flags: ClientFlags, world: CliWorld): Promise<OpenClient> {
  const { provider, store, namespace, config } = flags;
  const choosesParts = provider.length > 0 || store !== undefined || namespace !== undefined;
  if (config !== undefined && choosesParts)
    throw new AtlasError(
      "VALIDATION",
      "--config chooses the whole client: leave out --provider, --store and --namespace, or leave out --config.",
    );
  const path = choosesParts ? undefined : (config ?? findConfig());
  return path === undefined ? openFromFlags(flags, world) : openFromFile(path);
}

async function openFromFile(path: string): Promise<OpenClient> {
  const atlas = await atlasOf(path);
  return { atlas, parts: atlas.parts(), configFile: path, [Symbol.asyncDispose]: () => atlas.close() };
}

async function openFromFlags(flags: ClientFlags, { env }: CliWorld): Promise<OpenClient> {
  const names = flags.provider.length > 0 ? flags.provider : ["local"];
  const providers = await Promise.all(names.flatMap((name) => PROVIDERS[name]?.() ?? []));
  const open = await openStore(flags.store, env, DEFAULT_STORE);
  const atlas = createAtlas({
    providers,
    store: open.store,
    ...defined({ namespace: flags.namespace, signingKey: env.ATLAS_SIGNING_KEY || undefined }),
  });
  const close = async (): Promise<void> => {
    await atlas.close();
    await open[Symbol.asyncDispose]();
  };
  return { atlas, parts: atlas.parts(), configFile: undefined, [Symbol.asyncDispose]: close };
}

/** Parses the name of a provider that the command line can make. */
function known(name: string): string {
  if (Object.hasOwn(PROVIDERS, name)) return name;
  throw new InvalidArgumentError(`Write one of ${Object.keys(PROVIDERS).join(", ")}.`);
}
