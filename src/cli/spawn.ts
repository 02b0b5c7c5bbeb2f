/** `atlas-compute spawn`: a compute from request to end, at a terminal. */
import { setImmediate } from "node:timers/promises";
import { Command } from "commander";
import type { Compute } from "../compute.ts";
import { defined } from "../internal/defined.ts";
import { attach } from "./attach.ts";
import { type ClientFlags, clientOptions, type Desk, withClient } from "./client.ts";
import { endCompute } from "./end-compute.ts";
import type { ExitCode } from "./exit.ts";
import { type Interruption, interruption } from "./interruption.ts";
import { print } from "./print.ts";
import { ProgressLines } from "./progress.ts";
import { warnWithoutReaper } from "./reaper-sign.ts";
import { portFacts, spawnedJson } from "./shown.ts";
import { type RequestFlags, requestOptions, toRequest } from "./spawn-request.ts";
import { facts } from "./table.ts";
import { secondsOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

interface SpawnFlags extends ClientFlags, RequestFlags {
  readonly ready?: string;
  readonly readyTimeout?: number;
  readonly detach?: boolean;
}

const HELP = `
The command waits until the pod answers, prints its URL and its token, which nothing shows again, and follows its log. Ctrl-C ends the pod. With
--detach the command returns when the pod answers, and the pod lives until its idle or its latest end, which a reaper must carry out.

Other users of this machine can read arguments: pass a secret by --env NAME or --env-file, and not as --env NAME=value.

Examples:
  $ atlas-compute spawn --port 8000 -- node server.mjs
  $ atlas-compute spawn --provider docker --image nginx:alpine --port 80 --auth none
  $ atlas-compute spawn --provider runpod --gpu rtx-4090 --gpu l40s --image ghcr.io/me/server:1 --port 8000 --max-cost 1 --env HF_TOKEN
  $ atlas-compute spawn --port 8000 --detach --json -- node server.mjs | jq -r .auth.token > token.txt`;

/** Builds the command. */
export function spawnCommand(world: CliWorld): Command {
  const command = new Command("spawn")
    .description("Spawns a compute, follows its log, and ends it at Ctrl-C.")
    .argument("[command...]", "the program of the pod and its arguments; put -- before it");
  return clientOptions(requestOptions(command))
    .option("--ready <path>", "path that must answer with a success before the pod counts as ready")
    .option(
      "--ready-timeout <time>",
      "time to wait for that (default: the provider's time for a boot)",
      secondsOf,
    )
    .option("-d, --detach", "return when the pod answers, and leave it running")
    .addHelpText("after", HELP)
    .action(withClient<SpawnFlags>(world, spawn));
}

async function spawn(
  desk: Desk,
  flags: SpawnFlags,
  operands: readonly string[],
): Promise<ExitCode | undefined> {
  const { atlas, world } = desk;
  const request = toRequest(flags, operands, world);
  const progress = new ProgressLines(world);
  using stop = interruption(world, "Ending the pod.");
  try {
    const options = { signal: stop.signal, onProgress: progress.show };
    const compute: Compute = await atlas.spawnCompute(request, options);
    return await handOver(desk, compute, { flags, progress, stop });
  } finally {
    progress.end();
  }
}

/** The state of a spawn under way. */
interface Spawning {
  readonly flags: SpawnFlags;
  readonly progress: ProgressLines;
  readonly stop: Interruption;
}

/** Waits for the pod, and shows its token. A pod whose token was never shown is ended: it is of no use. */
async function handOver(desk: Desk, compute: Compute, spawning: Spawning): Promise<ExitCode | undefined> {
  const { world } = desk;
  const { flags, progress, stop } = spawning;
  try {
    await waitForPod(compute, spawning);
  } catch (error) {
    progress.end();
    const code = await endCompute(compute, world);
    if (stop.signal.aborted) return code;
    throw error;
  }
  progress.end();
  show(desk, compute);
  // A write to a pipe without a reader is told a moment later, and the token went nowhere then.
  await setImmediate();
  if (flags.detach && !stop.signal.aborted) return warnWithoutReaper(desk);
  return attach(desk, compute, stop.signal);
}

async function waitForPod(compute: Compute, { flags, progress, stop }: Spawning): Promise<void> {
  const { ready: path, readyTimeout: timeoutSeconds } = flags;
  const options = defined({ path, timeoutSeconds });
  await compute.waitUntilReady({ ...options, signal: stop.signal, onProgress: progress.show });
}

function show(desk: Desk, compute: Compute): void {
  const token = compute.auth?.token;
  print(
    desk,
    spawnedJson(compute),
    () => `\n${facts([["compute", compute.id], ...portFacts(compute), ["token", token]])}\n`,
  );
  if (token !== undefined && !desk.asJson) desk.world.stderr("The token is shown this once.\n");
}
