/** The one place that schedules looks at the computes that this process waits for or follows. */
import type { AtlasError } from "../../errors.ts";
import { UNSEEN } from "../../internal/abort.ts";
import { instanceName } from "../../internal/names.ts";
import { pause } from "../../internal/pause.ts";
import { orAfter } from "../../internal/within.ts";
import type { Provider } from "../../provider.ts";
import type { ComputeRecord } from "../../store.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../failures.ts";
import { loadRecord } from "../record/change.ts";
import { isEnded } from "../record/facts.ts";
import { type Claimed, claimLook, failureOfLook, type LookClaim, noteSighting, sightingsOf } from "./look.ts";

/** Looks at a compute become as seldom as this while nothing changes. */
const MAX_SECONDS = 10;

/** The pause between two looks grows to this share of the time since the compute's state last changed. */
const SHARE = 1 / 60;

/** The least pause between two rounds, so that computes that cannot be looked at do not keep a process busy. */
const MIN_SECONDS = 0.1;

const DEFAULT_LOOK_SECONDS = 3;
const NAMES_PER_QUERY = 500;

/** The computes that one caller or several wait for or follow. */
interface Followed {
  callers: number;
  /** The time of the last change of state that was seen, in milliseconds. */
  since: number;
  status: string | undefined;
  /** The time of this process's last look, in milliseconds. */
  lookedAt: number | undefined;
  error: AtlasError | undefined;
  waiters: (() => void)[];
}

/** A caller's interest in a compute. */
export interface Interest extends Disposable {
  /** The error of the last look, where it failed. */
  readonly error: AtlasError | undefined;
  /** Resolves after the next look, or when the time is over or the signal aborts. */
  next(seconds: number, signal?: AbortSignal): Promise<void>;
}

/** The looks at the computes of one provider. All callers in a process share them. */
export class Looks {
  readonly #context: Context;
  readonly #provider: Provider;
  readonly #followed = new Map<string, Followed>();
  readonly #urgent = new Set<string>();
  #urgentLook: Promise<void> | undefined;
  #urgentAt = 0;
  /** The time at which the last round that looked was over, in milliseconds. */
  #roundAt = 0;
  #wake = new AbortController();
  #isRunning = false;

  constructor(context: Context, provider: Provider) {
    this.#context = context;
    this.#provider = provider;
  }

  /** Looks at a compute, together with all others that are followed, until the interest is disposed of. */
  follow(id: string): Interest {
    const now = this.#context.clock.now().getTime();
    const known = this.#followed.get(id) ?? {
      callers: 0,
      since: now,
      status: undefined,
      lookedAt: undefined,
      error: undefined,
      waiters: [],
    };
    known.callers += 1;
    // A new caller is as eager as the first one was.
    known.since = now;
    this.#followed.set(id, known);
    this.#start();
    return {
      get error() {
        return known.error;
      },
      next: (seconds, signal) => this.#next(known, seconds, signal),
      [Symbol.dispose]: () => this.#leave(id, known),
    };
  }

  /** Looks at one compute now, or as soon as the provider's `lookSeconds` allow, together with all others that ask for it meanwhile. */
  async lookNow(id: string): Promise<void> {
    this.#urgent.add(id);
    this.#urgentLook ??= this.#untilAllowed().then(() => this.#lookAtUrgent());
    await this.#urgentLook;
  }

  async #untilAllowed(): Promise<void> {
    const { clock } = this.#context;
    const seconds = this.#lookSeconds - (clock.now().getTime() - this.#urgentAt) / 1000;
    if (seconds > 0) await pause(clock, seconds);
  }

  async #lookAtUrgent(): Promise<void> {
    this.#urgentAt = this.#context.clock.now().getTime();
    const ids = [...this.#urgent];
    this.#urgent.clear();
    this.#urgentLook = undefined;
    await this.#claimAndLook(ids, (id) => ({ spacingSeconds: 0, isAwaited: this.#followed.has(id) }));
  }

  /** Looks at those of these computes that no other process looks at. @returns the ids of the others */
  async #claimAndLook(
    ids: readonly string[],
    claimOf: (id: string) => LookClaim,
  ): Promise<readonly string[]> {
    const claims = await Promise.all(
      ids.map((id) => claimLook(this.#context, this.#provider, id, claimOf(id))),
    );
    await this.#look(claims.filter(({ isOurs }) => isOurs));
    return claims.filter(({ isOurs }) => !isOurs).map(({ record }) => record.id);
  }

  get #lookSeconds(): number {
    return this.#provider.lookSeconds ?? DEFAULT_LOOK_SECONDS;
  }

  #leave(id: string, known: Followed): void {
    known.callers -= 1;
    if (known.callers === 0 && this.#followed.get(id) === known) this.#followed.delete(id);
    if (this.#followed.size === 0) this.#wake.abort(UNSEEN);
  }

  async #next(known: Followed, seconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    let resolve: () => void = () => undefined;
    const looked = new Promise<void>((settle) => {
      resolve = settle;
    });
    known.waiters.push(resolve);
    signal?.addEventListener("abort", resolve, { once: true });
    try {
      await orAfter(this.#context.clock, seconds, looked);
    } finally {
      signal?.removeEventListener("abort", resolve);
      known.waiters = known.waiters.filter((waiter) => waiter !== resolve);
    }
  }

  #start(): void {
    this.#wake.abort(UNSEEN);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    while (this.#followed.size > 0) {
      this.#wake = new AbortController();
      const { signal } = this.#wake;
      const seconds = await this.#round().catch((error: unknown) => {
        this.#context.logger.warn(`looking at computes on ${this.#provider.name} failed`, {
          provider: this.#provider.name,
          error: messageOf(error),
        });
        return MAX_SECONDS;
      });
      if (this.#followed.size > 0) await pause(this.#context.clock, seconds, signal);
    }
    this.#isRunning = false;
  }

  /** Looks at what is due. @returns the seconds until something is due again */
  async #round(): Promise<number> {
    const { store } = this.#context;
    const [records, now] = [await this.#read(), await store.now()];
    for (const record of records) this.#notice(record);
    const early = this.#lookSeconds - (this.#context.clock.now().getTime() - this.#roundAt) / 1000;
    if (early > 0 && records.some((record) => this.#dueIn(record, now) <= 0)) return early;
    // What would be due before the next round is looked at in this one: the list is the same.
    const isDue = records.some((record) => this.#dueIn(record, now) <= 0);
    const due = isDue ? records.filter((record) => this.#dueIn(record, now) <= this.#lookSeconds / 2) : [];
    const others = await this.#claimAndLook(
      due.map(({ id }) => id),
      (id) => ({ spacingSeconds: this.#pauseOf(id) / 2, isAwaited: true }),
    );
    // From the answer on: claims may take long, and the next round would follow this one at once.
    if (isDue) this.#roundAt = this.#context.clock.now().getTime();
    for (const id of others) this.#tell(id, this.#followed.get(id)?.error);
    const waits = records.map((record) =>
      due.includes(record) ? this.#pauseOf(record.id) : this.#dueIn(record, now),
    );
    return Math.max(Math.min(...waits, MAX_SECONDS), MIN_SECONDS);
  }

  /** Looks at these computes, and tells their callers. */
  async #look(claims: readonly Claimed[]): Promise<void> {
    if (claims.length === 0) return;
    const records = claims.map(({ record }) => record);
    for (const { id } of records) this.#noteLook(id);
    const context = this.#context;
    const provider = this.#provider;
    const { result, error } = await failureOfLook(() => sightingsOf(context, provider, records));
    if (result === undefined) {
      for (const { id } of records) this.#tell(id, error);
      return;
    }
    await Promise.all(
      claims.map(async (claim) => {
        const { id } = claim.record;
        const noted = await failureOfLook(() => noteSighting(context, provider, claim, result.get(id)));
        this.#notice(noted.result ?? claim.record);
        this.#tell(id, noted.error);
      }),
    );
  }

  async #read(): Promise<readonly ComputeRecord[]> {
    const { store, namespace } = this.#context;
    const ids = [...this.#followed.keys()];
    const records: ComputeRecord[] = [];
    for (let from = 0; from < ids.length; from += NAMES_PER_QUERY) {
      const names = ids.slice(from, from + NAMES_PER_QUERY).map((id) => instanceName(namespace, id));
      records.push(...(await store.list({ namespace, names }, { limit: names.length })));
    }
    return records.filter(({ status }) => !isEnded(status));
  }

  #notice({ id, status }: ComputeRecord): void {
    const known = this.#followed.get(id);
    if (known === undefined || known.status === status) return;
    if (known.status !== undefined) known.since = this.#context.clock.now().getTime();
    known.status = status;
  }

  #tell(id: string, error: AtlasError | undefined): void {
    const known = this.#followed.get(id);
    if (known === undefined) return;
    known.error = error;
    for (const waiter of known.waiters) waiter();
  }

  /** The pause between two looks at this compute. */
  #pauseOf(id: string): number {
    const known = this.#followed.get(id);
    const now = this.#context.clock.now().getTime();
    const waited = known === undefined ? 0 : (now - known.since) / 1000;
    return Math.max(this.#lookSeconds, Math.min(MAX_SECONDS, waited * SHARE));
  }

  /** The seconds until the next look: after the last one of this process, or of another one, which the record knows. */
  #dueIn({ id, lookedAt }: ComputeRecord, now: Date): number {
    const own = this.#followed.get(id)?.lookedAt ?? Number.NEGATIVE_INFINITY;
    const sinceOwn = (this.#context.clock.now().getTime() - own) / 1000;
    const sinceOther =
      lookedAt === null ? Number.POSITIVE_INFINITY : (now.getTime() - lookedAt.getTime()) / 1000;
    return this.#pauseOf(id) - Math.min(sinceOwn, sinceOther);
  }

  #noteLook(id: string): void {
    const known = this.#followed.get(id);
    if (known !== undefined) known.lookedAt = this.#context.clock.now().getTime();
  }
}

const looksByContext = new WeakMap<Context, Map<string, Looks>>();

/** The looks of this client at a provider. */
export function looksOf(context: Context, provider: Provider): Looks {
  const own = looksByContext.get(context) ?? new Map<string, Looks>();
  looksByContext.set(context, own);
  const looks = own.get(provider.name) ?? new Looks(context, provider);
  own.set(provider.name, looks);
  return looks;
}

/** Looks at a compute now, by its id. */
export async function lookNow(context: Context, id: string): Promise<ComputeRecord> {
  const { record } = await loadRecord(context, id);
  const provider = context.providers.find(({ name }) => name === record.provider);
  if (provider === undefined) return record;
  await looksOf(context, provider).lookNow(id);
  return (await loadRecord(context, id)).record;
}

/** Follows a compute for a caller; `undefined` when its provider is not configured in this client. */
export function followLooks(context: Context, { id, provider: name }: ComputeRecord): Interest | undefined {
  const provider = context.providers.find((configured) => configured.name === name);
  return provider && looksOf(context, provider).follow(id);
}
