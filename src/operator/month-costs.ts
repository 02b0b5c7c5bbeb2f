/** The costs of this month and of the one before, by user and by provider. */
import type { Atlas } from "../atlas.ts";
import type { Costs } from "../lifecycle/money/costs.ts";
import { dayOf } from "../store.ts";

/** A calendar month in UTC. */
export interface Month {
  /** Its name, such as `November 2026`. */
  readonly name: string;
  /** The first day. */
  readonly from: string;
  /** The last day. */
  readonly to: string;
}

/** The costs under one key, in both months. */
export interface CostRow {
  readonly key: string | null;
  /** US dollars of this month. */
  readonly cost: number;
  readonly costBefore: number;
  /** Seconds of this month. */
  readonly seconds: number;
  /** The computes that began to cost in this month. */
  readonly computes: number;
}

/** The data of the page. */
export interface CostsData {
  readonly month: Month;
  readonly before: Month;
  readonly byProvider: readonly CostRow[];
  /** The dearest first. */
  readonly byUser: readonly CostRow[];
}

/** Reads the costs. */
export async function readCosts(atlas: Atlas, now: Date): Promise<CostsData> {
  const [month, before] = [monthOf(now, 0), monthOf(now, -1)];
  const rowsBy = async (by: "user" | "provider"): Promise<readonly CostRow[]> => {
    const read = ({ from, to }: Month): Promise<readonly Costs[]> => atlas.costs({ by, from, to });
    return rowsOf(await read(month), await read(before));
  };
  const [byProvider, byUser] = await Promise.all([rowsBy("provider"), rowsBy("user")]);
  return { month, before, byProvider, byUser };
}

const name = new Intl.DateTimeFormat("en-US", { month: "long", year: "numeric", timeZone: "UTC" });

function monthOf(now: Date, offset: number): Month {
  const day = (months: number, date: number): Date =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, date));
  const first = day(offset, 1);
  return { name: name.format(first), from: dayOf(first), to: dayOf(day(offset + 1, 0)) };
}

const NONE = { cost: 0, seconds: 0, computes: 0 };

/** Puts both months side by side, the dearest of this month first, and among equals of the month before. */
function rowsOf(current: readonly Costs[], previous: readonly Costs[]): readonly CostRow[] {
  const now = new Map(current.map((costs) => [costs.key, costs]));
  const then = new Map(previous.map(({ key, cost }) => [key, cost]));
  return [...new Set([...now.keys(), ...then.keys()])]
    .map((key) => {
      const { cost, seconds, computes } = now.get(key) ?? NONE;
      return { key, cost, seconds, computes, costBefore: then.get(key) ?? 0 };
    })
    .toSorted((left, right) => right.cost - left.cost || right.costBefore - left.costBefore);
}

/** The sum of rows. */
export function sumOf(rows: readonly CostRow[]): CostRow {
  const add = (of: (row: CostRow) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  return {
    key: null,
    cost: add(({ cost }) => cost),
    costBefore: add(({ costBefore }) => costBefore),
    seconds: add(({ seconds }) => seconds),
    computes: add(({ computes }) => computes),
  };
}
