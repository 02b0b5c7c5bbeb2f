/** The costs of the computes of a namespace, from the ledger and from what runs now. */
import * as z from "zod/mini";
import { AtlasError } from "../../errors.ts";
import { describe, field, optional, parseFields } from "../../internal/parse.ts";
import { type CostKey, dayOf, firstOfMonth } from "../../store.ts";
import type { Context } from "../context.ts";

/** Options of `costs`. */
export interface CostsOptions {
  /** The field by which costs are summed. */
  readonly by: CostKey;
  /** The first UTC day, as `"2026-11-01"`, or a time on it. @default the first of this month */
  readonly from?: string | Date | undefined;
  /** The last UTC day, which counts too. @default today */
  readonly to?: string | Date | undefined;
}

/** The costs under one key. */
export interface Costs {
  /** A user's id, a provider's name or a GPU; null for the computes that have none. */
  readonly key: string | null;
  /** US dollars. */
  readonly cost: number;
  /** Seconds for which the computes cost, together. */
  readonly seconds: number;
  /** The computes that began to cost in the time. */
  readonly computes: number;
}

const day = field(
  z.union([
    z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/), z.refine(isDay)),
    z.date().check(z.refine((date) => isDay(dayOf(date)))),
  ]),
  'a UTC day, as "2026-11-28", or a Date',
);

const FIELDS = {
  by: field(z.enum(["user", "provider", "gpu"]), '"user", "provider" or "gpu"'),
  from: optional(day),
  to: optional(day),
};

/** Sums the costs, the dearest key first. @throws VALIDATION */
export async function costs({ store, namespace }: Context, options: CostsOptions): Promise<readonly Costs[]> {
  const { by, ...days } = parseFields("The options of costs", FIELDS, options);
  const now = await store.now();
  const from = toDay(days.from ?? firstOfMonth(now));
  const to = toDay(days.to ?? now);
  if (from > to)
    throw new AtlasError(
      "VALIDATION",
      `costs: from is ${describe(from)}, which is after to, ${describe(to)}`,
    );
  const sums = await store.costs({ namespace, by, from, to });
  return sums
    .map(({ key, cost, seconds, computes }) => ({ key, cost, seconds, computes }))
    .filter(({ seconds, cost, computes }) => seconds > 0 || cost > 0 || computes > 0)
    .toSorted((left, right) => right.cost - left.cost);
}

function toDay(given: string | Date): string {
  return typeof given === "string" ? given : dayOf(given);
}

/** True for a day of the calendar, in years that every database knows. */
function isDay(text: string): boolean {
  const time = new Date(`${text}T00:00:00.000Z`);
  return (
    text >= "1970-01-01" && text <= "9998-12-31" && !Number.isNaN(time.getTime()) && dayOf(time) === text
  );
}
