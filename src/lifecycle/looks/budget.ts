/** The rate at which one process calls a provider: spawns and ends come before looks. */
import type { Clock } from "../../clock.ts";
import { pause } from "../../internal/pause.ts";
import type { Budget, Provider } from "../../provider.ts";

/** Methods that only look. Every other one changes something, or serves one that does. */
const LOOKS: ReadonlySet<string> = new Set(["get", "list", "find", "logs", "listGpuTypes", "account"]);

/** The share of a burst that looks leave to the calls that change something. */
const RESERVED_SHARE = 0.25;

/** A bucket of calls, which fills as time passes. */
class Bucket {
  readonly #clock: Clock;
  readonly #budget: Budget;
  #calls: number;
  #filledAt: number;
  #waitingActs = 0;

  constructor(clock: Clock, budget: Budget) {
    this.#clock = clock;
    this.#budget = budget;
    this.#calls = budget.burst;
    this.#filledAt = clock.now().getTime();
  }

  /** Waits until there is a call to take. An aborted wait takes none. */
  async take(isLook: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (!isLook) this.#waitingActs += 1;
    try {
      for (;;) {
        const missing = this.#missing(isLook);
        if (missing <= 0 || signal?.aborted) break;
        await pause(this.#clock, (missing * 60) / this.#budget.perMinute, signal);
      }
    } finally {
      if (!isLook) this.#waitingActs -= 1;
    }
    if (!signal?.aborted) this.#calls -= 1;
  }

  /** The calls that have to come back before this one may be made. A look leaves room for the acts that wait or may come. */
  #missing(isLook: boolean): number {
    this.#fill();
    const { burst } = this.#budget;
    const kept = isLook ? Math.floor(burst * RESERVED_SHARE) + this.#waitingActs : 0;
    return Math.min(1 + kept, burst) - this.#calls;
  }

  #fill(): void {
    const now = this.#clock.now().getTime();
    const { perMinute, burst } = this.#budget;
    const back = ((now - this.#filledAt) * perMinute) / 60_000;
    this.#calls = Math.min(burst, this.#calls + Math.max(0, back));
    this.#filledAt = now;
  }
}

/** By provider, then by method where each has its own. A provider that is no longer used takes its buckets with it. */
const buckets = new WeakMap<Provider, Map<string, Bucket>>();

/** Waits until the provider's budget allows a call of this method. */
export async function admit(
  clock: Clock,
  provider: Provider,
  method: string,
  signal?: AbortSignal,
): Promise<void> {
  const { budget } = provider;
  if (budget === undefined) return;
  const own = buckets.get(provider) ?? new Map<string, Bucket>();
  buckets.set(provider, own);
  const key = budget.eachMethod === true ? method : "";
  const bucket = own.get(key) ?? new Bucket(clock, budget);
  own.set(key, bucket);
  await bucket.take(LOOKS.has(method), signal);
}
