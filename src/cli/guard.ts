/** The command `atlas-compute guard`: a reverse proxy in front of any server, which it can start. */
import { once } from "node:events";
import { inspect } from "node:util";
import { Command, InvalidArgumentError, Option } from "commander";
import { AtlasError } from "../errors.ts";
import { GuardCore } from "../guard/core.ts";
import { endingHook } from "../guard/life/ending.ts";
import { type Ending, SIGN_KINDS, type SignKind } from "../guard/life/heartbeat.ts";
import { endProcessGroup } from "../guard/life/self-ending.ts";
import { type GuardOptions, parseOptions } from "../guard/options.ts";
import type { ForwardedMode } from "../guard/servers/forwarded-headers.ts";
import { GuardProxy } from "../guard/servers/proxy.ts";
import { TargetWatch } from "../guard/servers/target.ts";
import { defined } from "../internal/defined.ts";
import { defaultMaxConnections } from "./descriptors.ts";
import { READER_GONE } from "./interruption.ts";
import {
  PASSED_SIGNALS,
  type PassedSignal,
  type Supervised,
  supervise,
  withoutSecrets,
} from "./supervise.ts";
import type { CliWorld } from "./world.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

interface GuardFlags {
  readonly listen: Address;
  readonly target: URL;
  readonly origin: readonly string[];
  readonly public: readonly string[];
  readonly signedMethod: readonly string[];
  readonly endingHook?: string;
  readonly signs: readonly SignKind[];
  readonly drainSeconds: number;
  readonly deadMan: boolean;
  readonly unreachableSeconds: number;
  readonly log: boolean;
  readonly trustProxy: boolean;
  readonly forwarded: ForwardedMode;
  readonly maxConnections: number;
  readonly passSecrets: boolean;
}

type OptionFlags = Pick<
  GuardFlags,
  "target" | "origin" | "public" | "signedMethod" | "endingHook" | "signs" | "deadMan" | "unreachableSeconds"
>;

const EXAMPLE = `
The pod's environment holds the accepted credentials: ATLAS_PRESHARED_KEY (bearer tokens), ATLAS_SIGNING_SECRET (signed URLs and folders,
links that open a tab), ATLAS_AUTH (which of these count).

Example:
  $ atlas-compute guard --listen 0.0.0.0:8000 --target http://127.0.0.1:8188 \\
      --origin https://app.example -- python main.py --port 8188`;

const FORWARDED_MODES: readonly ForwardedMode[] = ["append", "replace"];

/** Only an init process ends the processes whose parents have ended. Node cannot: it waits for its own children alone. */
const NO_INIT =
  "The guard is process 1 and does not reap processes that the command leaves behind. Start the container with --init, or put tini in front of the guard.\n";

/** Makes the command. It calls `finish` with the exit code of each run. */
export function guardCommand(world: CliWorld, finish: (code: number) => void): Command {
  return proxyOptions(new Command("guard"))
    .description("Checks every request before the server behind it sees it.")
    .argument("[command...]", "the command to start and supervise; put -- before it")
    .requiredOption("--target <url>", "the address of the server behind", toTarget)
    .addOption(
      new Option("--listen <address>", "the address to listen on")
        .argParser(toAddress)
        .default({ host: "0.0.0.0", port: 8000 }, "0.0.0.0:8000"),
    )
    .addOption(
      new Option("--origin <origin>", "an origin whose pages may call; repeat it for more")
        .argParser(collect)
        .default([], "ATLAS_ORIGINS"),
    )
    .addOption(
      new Option("--public <path>", "a path that needs no credential; repeat it for more")
        .argParser(collect)
        .default([], "none"),
    )
    .addOption(
      new Option(
        "--signed-method <method>",
        "a method that signed URLs open beside GET and HEAD, or WEBSOCKET; repeat it for more",
      )
        .argParser(collect)
        .default([], "none"),
    )
    .addOption(
      new Option(
        "--ending-hook <path>",
        "a path of the server behind, to which a planned end is posted",
      ).argParser(toPath),
    )
    .addOption(
      new Option("--signs <kinds>", "the kinds of signs of life, separated by commas")
        .argParser(toSigns)
        .default([...SIGN_KINDS], SIGN_KINDS.join(",")),
    )
    .option("--drain-seconds <seconds>", "the time that open requests get after SIGTERM", toSeconds, 5)
    .option(
      "--dead-man",
      "end the pod after ATLAS_DEADLINE, and when the control plane is gone or rejects the pod",
      false,
    )
    .option(
      "--unreachable-seconds <seconds>",
      "the longest time without contact with the control plane",
      toSeconds,
      1800,
    )
    .option("--pass-secrets", "let the command inherit the ATLAS_* secrets, to sign URLs for example", false)
    .option("--no-log", "write no line for each request")
    .addHelpText("after", EXAMPLE)
    .action(async (command: string[], flags: GuardFlags) => finish(await runGuard(command, flags, world)));
}

/** Adds the options of the connections and of the forwarded headers. */
function proxyOptions(command: Command): Command {
  return command
    .option(
      "--trust-proxy",
      "set no bound on connections per address, where all users come through one edge",
      false,
    )
    .addOption(
      new Option("--forwarded <mode>", "what happens to the X-Forwarded-* headers of earlier proxies")
        .choices(FORWARDED_MODES)
        .default("append"),
    )
    .addOption(
      new Option("--max-connections <number>", "the most open connections")
        .argParser(toCount)
        .default(defaultMaxConnections(), "by the limit of descriptors"),
    );
}

/** Runs until the command ends or a signal arrives, and resolves with the exit code. */
async function runGuard(command: readonly string[], flags: GuardFlags, world: CliWorld): Promise<number> {
  const closing = new AbortController();
  try {
    return await guardUntilEnd(command, flags, world, closing.signal);
  } finally {
    closing.abort();
  }
}

async function guardUntilEnd(
  command: readonly string[],
  flags: GuardFlags,
  world: CliWorld,
  signal: AbortSignal,
): Promise<number> {
  const { target, listen: address } = flags;
  const { clock, stdout, stderr } = world;
  const watch = new TargetWatch(target, clock, signal);
  await using core = new GuardCore(parseOptions(toGuardOptions(flags, watch, world)), endProcessGroup);
  const log = flags.log ? (line: string) => stdout(`${line}\n`) : () => {};
  const onDefect = (error: unknown): void =>
    stderr(`A defect of the guard, please report it: ${inspect(error)}\n`);
  await using proxy = new GuardProxy({ ...flags, core, watch, clock, log, onDefect });
  await listen(proxy, address);
  stderr(`Guarding ${target.origin} on ${address.host}:${address.port}.\n`);
  if (command.length > 0 && world.processId === 1) stderr(NO_INIT);
  return await serve(proxy, command, flags, world);
}

async function serve(
  proxy: GuardProxy,
  command: readonly string[],
  { drainSeconds, passSecrets }: GuardFlags,
  world: CliWorld,
): Promise<number> {
  const env = passSecrets ? world.env : withoutSecrets(world.env);
  const child = command.length > 0 ? supervise(command, { ...world, env }) : undefined;
  const ended = Promise.withResolvers<number>();
  void child?.exited.then(ended.resolve);
  const onSignal = signalHandler(proxy, child, drainSeconds, ended.resolve);
  for (const signal of PASSED_SIGNALS) world.signals.on(signal, onSignal);
  // The pod outlives the reader of its log.
  world.signals.on(READER_GONE, goOn);
  try {
    return await ended.promise;
  } finally {
    world.signals.off(READER_GONE, goOn);
    for (const signal of PASSED_SIGNALS) world.signals.off(signal, onSignal);
  }
}

function goOn(): void {}

/** Makes the signal handler. The first SIGTERM waits for open requests; every other signal passes on at once. */
function signalHandler(
  proxy: GuardProxy,
  child: Supervised | undefined,
  drainSeconds: number,
  end: (code: number) => void,
): (signal: PassedSignal) => void {
  let isDraining = false;
  const passOn = (signal: PassedSignal): void => {
    if (child === undefined) end(0);
    else child.kill(signal);
  };
  return (signal) => {
    if (signal !== "SIGTERM" || isDraining) return passOn(signal);
    isDraining = true;
    void proxy.close(drainSeconds).then(() => passOn(signal));
  };
}

async function listen({ server }: GuardProxy, { host, port }: Address): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AtlasError(
      "UNAVAILABLE",
      `The guard cannot listen on ${host}:${port} (${code}). Set another address with --listen.`,
    );
  }
}

function toGuardOptions(
  flags: OptionFlags,
  watch: TargetWatch,
  { env, clock, stderr }: CliWorld,
): GuardOptions {
  const { target, origin, signs, deadMan, unreachableSeconds, endingHook: hook } = flags;
  const log = (line: string): void => stderr(`${line}\n`);
  const post = hook && endingHook({ url: new URL(hook, target), fetch: globalThis.fetch, clock, log });
  return {
    ...defined({ onEnding: post ? (ending: Ending) => void post(ending) : undefined }),
    signedMethods: flags.signedMethod,
    origins: origin.length > 0 ? origin : undefined,
    publicPaths: flags.public,
    signs,
    deadMan: deadMan && { unreachableSeconds },
    isReady: () => watch.isListening,
    log,
    clock,
    env,
  };
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function toAddress(text: string): Address {
  const match = /^(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]*)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new InvalidArgumentError("Write it as 0.0.0.0:8000, [::]:8000 or 8000.");
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}

function toPath(text: string): string {
  if (!/^\/(?!\/)[\w\-.~/]*$/.test(text))
    throw new InvalidArgumentError("Write a path such as /atlas/ending.");
  return text;
}

function toTarget(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new InvalidArgumentError("Write it as http://127.0.0.1:8188, without a path.");
  return url;
}

function toSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Write a whole number of seconds.");
  return Number(text);
}

function toCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("Write a whole number of connections.");
  return Number(text);
}

function toSigns(text: string): SignKind[] {
  const kinds = text.split(",").filter(Boolean);
  const isKind = (kind: string): kind is SignKind => SIGN_KINDS.some((known) => known === kind);
  if (!kinds.every(isKind))
    throw new InvalidArgumentError(`Write one or more of ${SIGN_KINDS.join(", ")}, separated by commas.`);
  return kinds;
}
