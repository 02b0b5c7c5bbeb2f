/** The results that the callers of a world received, and the happenings that may end a compute. */
import { inspect } from "node:util";
import { AtlasError, isAtlasError } from "../../../src/errors.ts";
import type { EndReason } from "../../../src/store.ts";

/** Why a test's signal aborts. */
export class AbortedByTest extends Error {}

/** The ledger of one world. */
export class Ledger {
  /** Faults found at the moment they happened. */
  readonly problems: string[] = [];
  /** Ids of computes with a handle that a caller received. */
  readonly held: string[] = [];
  /** Ids of computes with a caller that gave up during the create. */
  readonly givenUp: string[] = [];
  /** Ids of instances of another owner. */
  readonly strangers: string[] = [];
  /** Everything that was printed, in every way in which it can be. */
  readonly printed: string[] = [];
  readonly #excuses = new Map<string, Set<EndReason>>();
  readonly #general = new Set<EndReason>();
  readonly #keys = new Map<string, string>();

  /** Records a reason that may end a compute from now on, or any compute. */
  excuse(id: string | undefined, ...reasons: readonly EndReason[]): void {
    const excuses = id === undefined ? this.#general : (this.#excuses.get(id) ?? new Set<EndReason>());
    for (const reason of reasons) excuses.add(reason);
    if (id !== undefined) this.#excuses.set(id, excuses);
  }

  isExcused(id: string, reason: EndReason): boolean {
    return this.#general.has(reason) || (this.#excuses.get(id)?.has(reason) ?? false);
  }

  /** Prints a value in every way in which an application might. */
  print(...values: readonly unknown[]): void {
    for (const value of values) this.printed.push(inspect(value, { depth: 9 }), JSON.stringify(value) ?? "");
  }

  /** Notes which compute an idempotency key led to. */
  noteKey(key: string | undefined, id: string): void {
    if (key === undefined) return;
    if ((this.#keys.get(key) ?? id) !== id) this.problems.push(`${key} made a second compute, ${id}`);
    this.#keys.set(key, id);
  }

  /** Records the error of a spawn. */
  noteFailure(error: unknown, signal: AbortSignal | undefined): void {
    if (!isAtlasError(error)) return;
    const { code, computeId = "", message, provider } = error;
    if (code === "UNCERTAIN" && signal?.aborted) this.givenUp.push(computeId);
    const isExcused = (this.#excuses.get(computeId)?.size ?? 0) > 0;
    const isOfProvider = provider !== undefined;
    if (code === "CONFLICT" && !isOfProvider && !isExcused && !message.includes("terminated"))
      this.problems.push(`a spawn failed without a reason: ${message}`);
  }

  /** Records the result of a call. Atlas may throw only its own errors and the signal's reason. */
  async hear(call: Promise<unknown>): Promise<void> {
    try {
      this.print(await call);
    } catch (error) {
      this.print(error);
      if (!(error instanceof AtlasError || error instanceof AbortedByTest))
        this.problems.push(`a call threw ${String(error)}`);
    }
  }
}
