/** The store: reachable, ours, of the right version, and its size; and the reaper that works on it. */
import { isNotOwned } from "../../deployments.ts";
import { type AtlasError, isAtlasError } from "../../errors.ts";
import type { Context } from "../../lifecycle/context.ts";
import { recentPass, SIGN_SECONDS } from "../../lifecycle/reap/sign.ts";
import { liveStatuses, type Migrations, type Store } from "../../store.ts";
import { counted, duration, plain, secondsBetween } from "../text.ts";
import { clockFinding } from "./clocks.ts";
import { check, type Finding } from "./finding.ts";

const GROUPS = 20;
/** A reaper that works takes up what is due within a pass. */
const OVERDUE_SECONDS = 300;
const DAY = 86_400;

/** Looks at the store and at its reaper. */
export async function storeFindings(parts: Context): Promise<readonly Finding[]> {
  const { store } = parts;
  const { ok, problem } = check("store");
  try {
    // First, because any other call would migrate a file.
    const schema = await schemaFindings(store);
    if (schema.isBehind) return schema.findings;
    const before = Date.now();
    const now = await store.now();
    const middle = (before + Date.now()) / 2;
    await store.requireOwnership();
    return [
      ok(`${store.name} answers, and belongs to this deployment`),
      clockFinding(`the ${store.name} store`, (now.getTime() - middle) / 1000),
      ...schema.findings,
      ...(await sizeFindings(parts)),
      ...(await reaperFindings(parts, now)),
    ];
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    return [problem(plain(error.message), adviceFor(error), error.code)];
  }
}

/** The state of a schema. */
export interface Schema {
  /** True where this version cannot read the records yet, or any more. */
  readonly isBehind: boolean;
  readonly findings: readonly Finding[];
}

/** The migrations of the store: those that it has had, of those that this version knows. */
export async function schemaFindings(store: Store): Promise<Schema> {
  const schema = await store.migrations?.();
  if (schema === undefined) return { isBehind: false, findings: [] };
  return { isBehind: schema.applied !== schema.known, findings: [schemaFinding(store, schema)] };
}

function schemaFinding({ name }: Store, { applied, known, isAutomatic = false }: Migrations): Finding {
  const { ok, warning, problem } = check("store");
  const message = `${applied} of ${known} migrations are applied`;
  if (applied === known) return ok(message);
  if (applied > known)
    return problem(`${message}: a later version has migrated it`, "install a newer atlas-compute here");
  if (!isAutomatic) return problem(message, "run atlas-compute migrate, before this version serves requests");
  if (applied === 0) return ok(`${name} holds nothing yet: the first use makes its tables`);
  return warning(
    `${message}: the first use by this version applies the others`,
    "end the processes of older versions first, which cannot read the file then",
  );
}

function adviceFor(error: AtlasError): string {
  if (isNotOwned(error))
    return "run atlas-compute adopt --moved or --copy, after reading atlas-compute adopt --help";
  return "check that the database runs and that ATLAS_DATABASE leads to it; after an update, run atlas-compute migrate";
}

/** Reads with the newest parts of the schema, so that damage of it shows. */
async function sizeFindings({ store, namespace, retention }: Context): Promise<readonly Finding[]> {
  const { ok } = check("store");
  const all = await store.totals({ filter: { namespace }, by: ["status"], limit: GROUPS });
  const count = all.reduce((sum, { computes }) => sum + computes, 0);
  const counts = all.map(({ keys, computes }) => `${computes} ${keys[0]}`).join(", ");
  await store.events({ namespace, newest: true }, 1);
  return [
    ok(`it holds ${counted(count, "compute")}${count === 0 ? "" : `: ${counts}`}`),
    ok(
      `ended computes stay for ${duration(retention.endedSeconds)}, and ${retention.eventsPerCompute} events of each`,
    ),
  ];
}

async function reaperFindings(parts: Context, now: Date): Promise<readonly Finding[]> {
  const { store, namespace } = parts;
  const groups = await store.totals({
    filter: { namespace, statuses: liveStatuses },
    by: ["status"],
    limit: GROUPS,
  });
  const live = groups.reduce((sum, { computes }) => sum + computes, 0);
  const due = groups
    .flatMap(({ dueAt }) => dueAt ?? [])
    .sort((left, right) => left.getTime() - right.getTime())[0];
  return [await passFinding(parts, live, now), ...overdueFinding(due, now)];
}

async function passFinding(parts: Context, live: number, now: Date): Promise<Finding> {
  const { ok, warning, problem } = check("reaper");
  const pass = await recentPass(parts);
  if (pass !== undefined) return ok(`a pass ended ${duration(secondsBetween(pass, now))} ago`);
  const message = `no pass has ended in the last ${duration(SIGN_SECONDS)}`;
  const advice =
    "start one: atlas.startReaper() in a server, a cron that calls /internal/reap once a minute, or atlas-compute reap --every 15s";
  if (live === 0) return warning(`${message}; no compute is live`, advice);
  return problem(`${message}, and nothing ends the ${counted(live, "live compute")}`, advice);
}

function overdueFinding(due: Date | undefined, now: Date): readonly Finding[] {
  const { ok, problem } = check("reaper");
  const late = due === undefined ? 0 : secondsBetween(due, now);
  if (late < OVERDUE_SECONDS) return [ok("nothing is overdue")];
  const advice =
    late > DAY
      ? "no reaper has worked here for long: run atlas-compute reap, and read why its tasks fail"
      : "run atlas-compute reap, and read why its tasks fail";
  return [problem(`the oldest work is overdue by ${duration(late)}`, advice)];
}
