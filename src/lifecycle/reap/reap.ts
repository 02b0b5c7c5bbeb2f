/** One bounded, resumable pass over the computes that are due. */
import { nanoid } from "nanoid";
import pMap from "p-map";
import * as z from "zod/mini";
import { signalField } from "../../internal/option-fields.ts";
import { field, optional, parseFields } from "../../internal/parse.ts";
import { traced } from "../../internal/telemetry.ts";
import { orAfter } from "../../internal/within.ts";
import type { Provider } from "../../provider.ts";
import { liveStatuses, type Snapshot } from "../../store.ts";
import type { Context } from "../context.ts";
import { planBudgetEnds } from "../money/budget.ts";
import { forgetOld } from "../retention.ts";
import { type OrphanSearch, searchOrphans } from "./orphans.ts";
import { ReapPass } from "./pass.ts";
import { notePass } from "./sign.ts";
import {
  type Heading,
  outcome,
  type ReapEntry,
  type ReapOutcome,
  reapRecord,
  type Task,
  taskOf,
} from "./task.ts";

/** Options of a pass. */
export interface ReapOptions {
  /** The number of computes, and of orphans at each provider, that one pass works on: 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
  /**
   * The treatment of instances that are provably ours and that no live compute points to: `"terminate"` ends them, `"report"` only
   * reports them, `"ignore"` does not look for them. @default "terminate"
   */
  readonly orphans?: "terminate" | "report" | "ignore" | undefined;
  /** Reports what a pass would do, and changes nothing. @default false */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The result of a pass. */
export interface ReapReport {
  /** Ended, and proven gone. */
  readonly terminated: readonly ReapEntry[];
  /** Creates whose outcome was unknown and is now known. */
  readonly settled: readonly ReapEntry[];
  /** Instances that disappeared at the provider without a call of ours. */
  readonly vanished: readonly ReapEntry[];
  /** Instances without a live compute: ended, or only reported. */
  readonly orphans: readonly ReapEntry[];
  /** Tasks that failed; a later pass tries them again. */
  readonly failed: readonly ReapEntry[];
  /** True when there is more to do. */
  readonly remaining: boolean;
}

const CONCURRENCY = 8;

const FIELDS = {
  limit: optional(field(z.int().check(z.minimum(1), z.maximum(1000)), "a whole number from 1 to 1000")),
  orphans: optional(field(z.enum(["terminate", "report", "ignore"]), '"terminate", "report" or "ignore"')),
  dryRun: optional(field(z.boolean(), "true or false")),
  signal: signalField,
};

/** Works on one page of the computes that are due. Safe to call at any time, from several places at once. */
export function reap(context: Context, options: ReapOptions = {}): Promise<ReapReport> {
  return traced({ name: "reap", labels: {} }, () => reapOnce(context, options));
}

async function reapOnce(context: Context, options: ReapOptions): Promise<ReapReport> {
  const {
    limit = 100,
    orphans = "terminate",
    dryRun = false,
    signal,
  } = parseFields("The options of reap", FIELDS, options);
  const pass = new ReapPass(context, signal);
  if (!dryRun) await planBudgetEnds(context);
  const due = dryRun ? await findDue(context, limit) : await claimDue(context, limit);
  const search =
    orphans === "ignore" ? undefined : { end: !dryRun && orphans === "terminate", dryRun, limit };
  const shares = sharesOf(context, due).map(async ([provider, own]) => ({
    outcomes: dryRun ? own.map(plannedOutcome) : await work(pass, own),
    searches: provider && search ? [await searchOrphans(pass, provider, search)] : [],
  }));
  const sending = dryRun ? undefined : deliverWebhooks(context);
  const done = await Promise.all(shares);
  await sending;
  if (!dryRun) await tidyUp(context, due);
  return toReport(
    done.flatMap(({ outcomes }) => outcomes),
    done.flatMap(({ searches }) => searches),
    due.length === limit,
  );
}

/** Sends what earlier deliveries left. The module is loaded where webhooks are used. */
async function deliverWebhooks(context: Context): Promise<void> {
  if (context.webhooks.length === 0) return;
  const { deliverSoon } = await import("../webhooks/soon.ts");
  // A slow receiver does not hold up the next pass, which finds the delivery still under way.
  await orAfter(context.clock, context.timing.leaseSeconds / 2, deliverSoon(context));
}

/** The last work of a pass: old records go, and the pass is noted. */
async function tidyUp(context: Context, due: readonly Snapshot[]): Promise<void> {
  await forgetOld(
    context,
    due.map(({ record }) => record.id),
  );
  await notePass(context);
}

/** The due records of each provider. Each share runs by itself, so that a provider that is down does not hold up the others. */
function sharesOf(
  { providers }: Context,
  due: readonly Snapshot[],
): readonly (readonly [Provider | undefined, readonly Snapshot[]])[] {
  const names = providers.map(({ name }) => name);
  const unknown = due.filter(({ record }) => !names.includes(record.provider));
  const shares = providers.map(
    (provider) => [provider, due.filter(({ record }) => record.provider === provider.name)] as const,
  );
  return [...shares, [undefined, unknown]];
}

function claimDue({ store, namespace, timing }: Context, limit: number): Promise<readonly Snapshot[]> {
  return store.claimDue({ namespace, lease: nanoid(), leaseSeconds: timing.leaseSeconds, limit });
}

/** Works on every record. A provider's failure is an outcome. @throws STORE_UNAVAILABLE after every record was tried */
async function work(pass: ReapPass, due: readonly Snapshot[]): Promise<readonly ReapOutcome[]> {
  try {
    return await pMap(due, ({ record, now }) => reapRecord(pass, record, now), {
      concurrency: CONCURRENCY,
      stopOnError: false,
    });
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

/** Reads the due records without claiming them. */
async function findDue({ store, namespace }: Context, limit: number): Promise<readonly Snapshot[]> {
  const now = await store.now();
  const due: Snapshot[] = [];
  const pageSize = 500;
  let after: { createdAt: Date; id: string } | undefined;
  do {
    const page = await store.list(
      { namespace, statuses: liveStatuses },
      { limit: pageSize, ...(after && { after }) },
    );
    due.push(
      ...page.filter(({ dueAt }) => dueAt !== null && dueAt <= now).map((record) => ({ record, now })),
    );
    after = page.length === pageSize ? page.at(-1) : undefined;
  } while (after !== undefined && due.length < limit);
  return due.slice(0, limit);
}

const PLANNED: Readonly<Record<Task["kind"], Heading>> = {
  end: "terminated",
  expire: "terminated",
  settle: "settled",
  warn: "checked",
  look: "checked",
};

function plannedOutcome({ record, now }: Snapshot): ReapOutcome {
  const { kind, reason } = taskOf(record, now);
  return outcome(PLANNED[kind], record, reason);
}

function toReport(
  outcomes: readonly ReapOutcome[],
  searches: readonly OrphanSearch[],
  pageIsFull: boolean,
): ReapReport {
  const under = (heading: Heading): ReapEntry[] =>
    outcomes.filter((done) => done.heading === heading).map(({ entry }) => entry);
  return {
    terminated: under("terminated"),
    settled: [...under("settled"), ...searches.flatMap((search) => search.settled)],
    vanished: under("vanished"),
    orphans: searches.flatMap((search) => search.orphans),
    failed: [...under("failed"), ...searches.flatMap((search) => search.failed)],
    remaining: pageIsFull || under("unfinished").length > 0 || searches.some((search) => search.remaining),
  };
}
