/** Following the events of a compute from any point on, including those that other processes write. */
import * as z from "zod/mini";
import { UNSEEN, unlessAborted } from "../internal/abort.ts";
import { defined } from "../internal/defined.ts";
import { signalField } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { pause } from "../internal/pause.ts";
import type { ComputeEvent, ComputeRecord } from "../store.ts";
import type { Context } from "./context.ts";
import { followLooks } from "./looks/looks.ts";
import { onWrite } from "./looks/wakes.ts";
import { loadRecord } from "./record/change.ts";
import { isEnded } from "./record/facts.ts";

/** Options of reading events. */
export interface EventOptions {
  /** The id of an event; only later events are read. */
  readonly after?: string | undefined;
  /** The number of past events to begin with, the newest ones, 0 to 1000. @default all of them */
  readonly tail?: number | undefined;
  /** Waits for further events until the compute has ended. @default true */
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const FIELDS = {
  after: optional(field(z.string().check(z.regex(/^[0-9]{1,19}$/)), "an event's id")),
  tail: optional(field(z.int().check(z.minimum(0), z.maximum(1000)), "a whole number from 0 to 1000")),
  follow: optional(field(z.boolean(), "true or false")),
  signal: signalField,
};

const PAGE = 200;
/** The pause after a read without events, where the store does not call back. */
const POLL_SECONDS = 0.2;
/** The pause after a read without events where the store does, because its calls need not name a compute. */
const THROTTLE_SECONDS = 0.2;
/** The pause where the store calls back, in case a call is lost. */
const SLOW_POLL_SECONDS = 15;

/** Reads the events of a compute, oldest first, up to its last one or until the signal aborts. */
export async function* followEvents(
  context: Context,
  id: string,
  options: EventOptions = {},
): AsyncGenerator<ComputeEvent, void, undefined> {
  const { after, tail, follow = true, signal } = parseFields("The options of events", FIELDS, options);
  const { record } = await loadRecord(context, id);
  const last = tail === undefined ? after : await beforeTail(context, id, after, tail);
  const reader: Reader = { last, status: record.status, signal };
  yield* follow ? readAll(context, record, reader) : readOn(context, id, reader);
}

/** A reader of the events of one compute, and its place among them. */
interface Reader {
  last: string | undefined;
  status: ComputeRecord["status"];
  readonly signal: AbortSignal | undefined;
}

/** Reads what is there and what comes, until the compute has ended. */
async function* readAll(
  context: Context,
  record: ComputeRecord,
  reader: Reader,
): AsyncGenerator<ComputeEvent, void, undefined> {
  const { signal } = reader;
  const wake = new Wake();
  const hear = (written?: string): void => {
    if (written === undefined || written === record.id) wake.call();
  };
  using _own = onWrite(context.store, hear);
  using _looks = isEnded(record.status) ? undefined : followLooks(context, record);
  const watch = await context.store.watch?.(hear);
  try {
    while (!signal?.aborted) {
      const { calls } = wake;
      const { last } = reader;
      yield* readOn(context, record.id, reader);
      if (isEnded(reader.status)) return;
      if (watch !== undefined && reader.last === last) await pause(context.clock, THROTTLE_SECONDS, signal);
      await wake.wait(context, calls, watch === undefined ? POLL_SECONDS : SLOW_POLL_SECONDS, signal);
    }
  } finally {
    await watch?.[Symbol.asyncDispose]();
  }
}

/** Reads the events behind the reader's place, and moves it. */
async function* readOn(
  { store, namespace }: Context,
  computeId: string,
  reader: Reader,
): AsyncGenerator<ComputeEvent, void, undefined> {
  let page: readonly ComputeEvent[];
  do {
    const reading = store.events(defined({ namespace, computeId, after: reader.last }), PAGE);
    // A store that does not answer holds no reader that has gone.
    page = (await unlessAborted(reading, reader.signal)) ?? [];
    yield* page;
    reader.last = page.at(-1)?.id ?? reader.last;
    reader.status = page.at(-1)?.status ?? reader.status;
  } while (page.length === PAGE);
}

/** Reads a stretch of the events of every compute, oldest first: those behind an event, or without one the newest. */
export function allEvents(
  { store, namespace }: Context,
  after: string | undefined,
  limit: number,
): Promise<readonly ComputeEvent[]> {
  return store.events(defined({ namespace, after, newest: after === undefined }), limit);
}

/** The id of the event behind which there are at most `tail` events; `after` when there are no more than that. */
async function beforeTail(
  { store, namespace }: Context,
  computeId: string,
  after: string | undefined,
  tail: number,
): Promise<string | undefined> {
  const newest = await store.events(defined({ namespace, computeId, after, newest: true }), tail + 1);
  return newest.length > tail ? newest[0]?.id : after;
}

/** Wakes a sleeper, including one that begins to sleep only after the call. */
class Wake {
  calls = 0;
  #sleeper: AbortController | undefined;

  call(): void {
    this.calls += 1;
    const sleeper = this.#sleeper;
    this.#sleeper = undefined;
    sleeper?.abort(UNSEEN);
  }

  async wait(
    { clock }: Context,
    since: number,
    seconds: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.calls !== since) return;
    this.#sleeper = new AbortController();
    const signals = [this.#sleeper.signal, ...(signal === undefined ? [] : [signal])];
    await pause(clock, seconds, AbortSignal.any(signals));
  }
}
