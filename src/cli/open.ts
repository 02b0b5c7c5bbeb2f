/** `atlas-compute open`: a link to a pod that a browser can follow. */
import { Command } from "commander";
import type { Compute } from "../compute.ts";
import { AtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { print } from "./print.ts";
import { portOf, secondsOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

interface OpenFlags extends ClientFlags {
  readonly port?: number;
  readonly path: string;
  readonly expires?: number;
}

const HELP = `
A compute that was spawned with --auth cookie gets a link that opens once and leaves a cookie, one with --auth signed-url a signed URL, one with
--auth none its plain URL. Links are signed with ATLAS_SIGNING_KEY, or with the client's signingKey, which must be that of the spawn.

Example:
  $ xdg-open "$(atlas-compute open 3f9k2m7q0x1c8v5b4n6z --port 8888)"`;

/** Builds the command. */
export function openCommand(world: CliWorld): Command {
  return clientOptions(new Command("open"))
    .description("Prints a link that opens a pod in a browser.")
    .argument("<id>", "the compute's id")
    .option("-p, --port <port>", "port of the pod (default: its first http port)", portOf)
    .option("--path <path>", "path to open", "/")
    .option(
      "--expires <time>",
      "validity of the link: 90 or 15m (default: 60s, and 1h for a signed URL)",
      secondsOf,
    )
    .addHelpText("after", HELP)
    .action(withClient<OpenFlags>(world, open));
}

async function open(desk: Desk, flags: OpenFlags, [id = ""]: readonly string[]): Promise<undefined> {
  const compute = await desk.atlas.getCompute(id);
  const url = linkTo(compute, flags);
  print(desk, { url }, () => `${url}\n`);
}

function linkTo(compute: Compute, { path, expires: expiresInSeconds, ...flags }: OpenFlags): string {
  const port = flags.port ?? firstHttpPort(compute);
  const options = defined({ expiresInSeconds });
  const schemes = compute.auth?.schemes ?? [];
  if (schemes.includes("cookie")) return compute.openUrl(port, path, options);
  if (schemes.includes("signed-url")) return compute.signUrl(port, path, options);
  if (schemes.length === 0) return compute.url(port, path);
  throw new AtlasError(
    "UNSUPPORTED",
    `compute ${compute.id} takes bearer tokens only, which no browser can send from its address bar: spawn it with --auth cookie, which needs the guard in the image`,
    { computeId: compute.id },
  );
}

function firstHttpPort({ id, ports }: Compute): number {
  const port = ports.find(({ protocol }) => protocol === "http")?.internal;
  if (port !== undefined) return port;
  throw new AtlasError("VALIDATION", `compute ${id} has no http port that a browser could open`, {
    computeId: id,
  });
}
