/** The metrics of a client's computes: what is live now, from the store, and what has happened, from its events. */
import type { Atlas } from "../../atlas.ts";
import type { Total } from "../../store.ts";
import { mismatchOf } from "../ownership.ts";
import type { Journal } from "./journal.ts";
import { exposition, type Family } from "./text.ts";

const GROUPS = 1000;

/** Writes all metrics. */
export async function metricsText(atlas: Atlas, journal: Journal, now: Date): Promise<string> {
  const [groups, counts, mismatch] = await Promise.all([
    atlas.totals({ by: ["provider", "status"], limit: GROUPS }),
    journal.families(),
    mismatchOf(atlas),
  ]);
  return exposition([...gauges(groups, mismatch === undefined, now), ...counts]);
}

function gauges(groups: readonly Total[], isOwner: boolean, now: Date): readonly Family[] {
  const due = groups.flatMap(({ dueAt }) => dueAt?.getTime() ?? []);
  const overdue = due.length === 0 ? 0 : Math.max(0, now.getTime() - Math.min(...due)) / 1000;
  return [
    gauge("atlas_computes", "Live computes", groups, ({ computes }) => computes),
    {
      ...gauge(
        "atlas_cost_per_hour_dollars",
        "US dollars per hour of live computes",
        groups,
        (total) => total.costPerHour,
      ),
      unit: "dollars",
    },
    {
      ...single("atlas_reap_overdue_seconds", "Seconds since the earliest work of a reaper was due", overdue),
      unit: "seconds",
    },
    single(
      "atlas_store_owned",
      "1 where this deployment owns the store, and its reaper works",
      isOwner ? 1 : 0,
    ),
  ];
}

function gauge(name: string, help: string, groups: readonly Total[], of: (total: Total) => number): Family {
  const samples = groups.map((total) => {
    const [provider, status] = total.keys;
    return { suffix: "", labels: { provider: provider ?? "", status: status ?? "" }, value: of(total) };
  });
  return { name, type: "gauge", help, samples };
}

function single(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [{ suffix: "", labels: {}, value }] };
}
