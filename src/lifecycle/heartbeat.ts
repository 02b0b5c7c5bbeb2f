/** The heartbeat of a pod, and the facts by which its guard judges requests. */
import { defined } from "../internal/defined.ts";
import type { ComputeRecord, EndReason, Snapshot, TokenHash } from "../store.ts";
import type { Context } from "./context.ts";
import { loadRecord } from "./record/change.ts";
import { endingSoon } from "./record/ending.ts";
import { hasBegunToEnd } from "./record/facts.ts";
import { recordReport } from "./reports.ts";

/** The most hashes that a guard takes at once. */
const MAX_HASHES = 100;

/** The facts that the control plane tells a guard. Times are ISO texts. */
export interface PodFacts {
  readonly computeId: string;
  /** Rises with every change of the compute, so that a guard does not take an old answer for a new one. */
  readonly revision: number;
  readonly hashes: readonly { readonly hash: string; readonly expiresAt: string | null }[];
  readonly generation: number;
  /** The end of the compute's lifetime; the present for a compute that ends, so that its pod ends itself even if the provider fails to. */
  readonly deadline: string | null;
  /** The planned end of the compute, once its warning is due. */
  readonly ending?: { readonly at: string; readonly reason: EndReason };
  /** The store's time. */
  readonly now: string;
}

/**
 * Records the signs of life, where there are any, and returns the facts. A heartbeat without signs is a question: it writes nothing, and reads the
 * record again, because its answer must not be older than the question.
 */
export async function heartbeat(
  context: Context,
  known: Snapshot,
  signs: readonly string[],
): Promise<PodFacts> {
  const { id } = known.record;
  if (signs.length > 0) {
    const record = await recordReport(context, id, "heartbeat", { signs }, known);
    return factsOf(record, record.updatedAt);
  }
  const { record, now } = await loadRecord(context, id);
  return factsOf(record, now);
}

function factsOf(record: ComputeRecord, now: Date): PodFacts {
  const isEnding = hasBegunToEnd(record.status);
  const deadline = isEnding ? now : record.lifetimeDeadline;
  const hashes = isEnding || !record.authSchemes.includes("bearer") ? [] : validHashes(record.tokens, now);
  const ending = endingSoon(record, now);
  return {
    ...defined({ ending: ending && { at: ending.at.toISOString(), reason: ending.reason } }),
    computeId: record.id,
    revision: record.version,
    hashes,
    generation: record.generation,
    deadline: deadline?.toISOString() ?? null,
    now: now.toISOString(),
  };
}

function validHashes(tokens: readonly TokenHash[], now: Date): PodFacts["hashes"] {
  const valid = tokens.filter(
    ({ kind, expiresAt }) => kind === "user" && (expiresAt === null || expiresAt > now),
  );
  return valid
    .slice(-MAX_HASHES)
    .map(({ hash, expiresAt }) => ({ hash, expiresAt: expiresAt?.toISOString() ?? null }));
}
