/** One process of an application, or one reaper: works until it is killed. */
import { isAtlasError } from "../../src/errors.ts";
import { connectClient } from "./client.ts";
import { fastClock } from "./fast-time.ts";
import type { WorkerMessage, WorkerOperation } from "./messages.ts";
import { Random } from "./random.ts";
import { randomRequest } from "./requests.ts";
import type { WorkerSettings } from "./settings.ts";

const settings: WorkerSettings = JSON.parse(process.argv[2] ?? "");
const clock = fastClock(settings.time);

/** Its standard output is its log. */
function log(level: string): (message: string, facts?: Readonly<Record<string, unknown>>) => void {
  return (message, facts) => process.stdout.write(`${JSON.stringify({ level, message, ...facts })}\n`);
}

const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
const { atlas } = connectClient(settings, settings.name, {
  logger,
  onEvent: (event) => log("event")("an event", { event }),
});

/** What this process holds handles of: the last few. */
const held: { readonly id: string; readonly token: string | undefined }[] = [];
const MAX_HELD = 30;

function tell(message: WorkerMessage): void {
  process.send?.(message);
}

function broken(what: string): void {
  tell({ kind: "broken", what: `${settings.name}: ${what}` });
}

class AbortedByCaller extends Error {
  override readonly name = "AbortedByCaller";
}

/** A key that several processes use at the same time, each with the same request. */
function sharedKey(random: Random): string {
  return `click-${Math.floor(clock.now().getTime() / 20_000)}-${random.below(3)}`;
}

async function spawn(random: Random): Promise<void> {
  const idempotencyKey = random.chance(0.15) ? sharedKey(random) : undefined;
  const request = randomRequest(idempotencyKey === undefined ? random : new Random(idempotencyKey));
  const abort = new AbortController();
  if (random.chance(0.05))
    void clock.sleep(random.below(10_000)).then(() => abort.abort(new AbortedByCaller()));
  const compute = await atlas.spawnCompute(
    { ...request, ...(idempotencyKey && { idempotencyKey }) },
    { signal: abort.signal },
  );
  const { token, signingSecret } = compute.auth ?? {};
  if (compute.isNew) {
    const secrets = [token, signingSecret].filter((secret) => secret !== undefined);
    tell({ kind: "spawned", computeId: compute.id, secrets });
  } else if (token !== undefined) broken(`the token of ${compute.id} was told twice`);
  held.push({ id: compute.id, token });
  held.splice(0, held.length - MAX_HELD);
}

/** The id of a compute of this process, or of anybody's. */
async function someId(random: Random): Promise<string | undefined> {
  if (held.length > 0 && random.chance(0.6)) return random.pick(held).id;
  const { computes } = await atlas.listComputes({ status: ["provisioning", "running"], limit: 40 });
  return computes.length === 0 ? undefined : random.pick(computes).id;
}

/** As an application does it: a token opens its own compute and no other. */
async function touch(random: Random): Promise<void> {
  const one = held.length > 0 ? random.pick(held) : undefined;
  if (one?.token !== undefined && random.chance(0.5)) {
    const found = await atlas.findByToken(one.token);
    if (found !== undefined && found.id !== one.id) broken(`the token of ${one.id} opens ${found.id}`);
  }
  const id = one?.id ?? (await someId(random));
  if (id !== undefined) await atlas.touch(id);
}

async function terminate(random: Random): Promise<void> {
  const id = await someId(random);
  if (id === undefined) return;
  const index = held.findIndex((one) => one.id === id);
  if (index >= 0) held.splice(index, 1);
  await atlas.terminate(id);
}

async function reap(random: Random): Promise<void> {
  await atlas.reap({ limit: random.pick([5, 20, 100]) });
}

const OPERATIONS: Readonly<Record<WorkerOperation, (random: Random) => Promise<void>>> = {
  spawn,
  touch,
  terminate,
  reap,
};

/** What may come of an operation in a world like this; everything else is a finding. */
const EXPECTED: Readonly<Record<WorkerOperation, ReadonlySet<string>>> = {
  spawn: new Set([
    ...[
      "LIMIT_EXCEEDED",
      "CAPACITY",
      "FORBIDDEN",
      "UNCERTAIN",
      "BILLING",
      "AUTH_ERROR",
      "RATE_LIMIT",
      "VALIDATION",
    ],
    ...["PROVIDER", "CONFLICT", "BOOT_FAILED", "TIMEOUT", "AbortedByCaller"],
  ]),
  touch: new Set(["CONFLICT"]),
  terminate: new Set([]),
  reap: new Set([]),
};

async function perform(operation: WorkerOperation, random: Random): Promise<void> {
  let outcome = "ok";
  try {
    await OPERATIONS[operation](random);
  } catch (error) {
    outcome = isAtlasError(error) ? error.code : error instanceof Error ? error.name : String(error);
    if (!EXPECTED[operation].has(outcome)) broken(`${operation} threw ${outcome}: ${String(error)}`);
  }
  tell({ kind: "done", operation, outcome });
}

const WORK = { spawn: 40, touch: 48, terminate: 8, reap: 2 } as const;
const ACTORS = 8;

async function act(actor: number): Promise<never> {
  const random = new Random(settings.seed, settings.name, actor);
  for (;;) {
    await perform(settings.role === "reaper" ? "reap" : random.weighted(WORK), random);
    await clock.sleep(random.below(settings.role === "reaper" ? 4_000 : 1_500));
  }
}

process.on("disconnect", () => process.exit());
const actors = settings.role === "reaper" ? 1 : ACTORS;
await Promise.all(Array.from({ length: actors }, (_, actor) => act(actor)));
