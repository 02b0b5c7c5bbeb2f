/** A pod's log: a stream of server-sent events that resumes where it broke off. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { CallContext } from "../../call-context.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { abortWith } from "../../internal/abort.ts";
import { type Backoff, backoffSeconds } from "../../internal/backoff.ts";
import { defined } from "../../internal/defined.ts";
import { parseJson } from "../../internal/json.ts";
import { orAfter } from "../../internal/within.ts";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import type { LogStart, RunpodApi } from "./api.ts";
import { toDate } from "./convert.ts";
import { findPod, getInstance } from "./instances.ts";
import { logEventSchema } from "./wire.ts";

/** The source of logs. */
export interface LogSource {
  readonly api: RunpodApi;
  readonly clock: Clock;
}

const MAX_LINES = 5000;

/** The pod's log lines, oldest first; none for a pod that does not exist. */
export async function* readLogs(
  source: LogSource,
  reference: InstanceReference,
  options: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  const pod = await findPod(source.api, reference, context);
  if (pod === undefined) return;
  const tail = Math.min(options.tail, MAX_LINES);
  if (options.follow) yield* followLog(source, { ...reference, providerId: pod.id }, tail, context);
  else yield* pastLines(source.api, pod.id, tail, context);
}

/**
 * RunPod keeps the stream open and does not mark the end of the past lines: they end when nothing more arrives. This silence of a
 * socket takes real time, so the injected clock does not measure it.
 */
const FIRST_LINE_SECONDS = 5;
const NEXT_LINE_SECONDS = 1;

async function* pastLines(
  api: RunpodApi,
  podId: string,
  tail: number,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  const over = new AbortController();
  const release = abortWith(over, context.signal);
  const events = eventsOf(api, podId, { tail }, { ...context, signal: over.signal });
  try {
    for (let count = 0; count < tail; count += 1) {
      const patience = count === 0 ? FIRST_LINE_SECONDS : NEXT_LINE_SECONDS;
      const next = await orAfter(systemClock, patience, events.next());
      if (next === undefined || next.done) return;
      yield toLogLine(next.value);
    }
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "NOT_FOUND") throw error;
  } finally {
    release();
    over.abort();
  }
}

const RESUME_BACKOFF: Backoff = { firstSeconds: 1, maxSeconds: 30 };
const MAX_FAILURES = 5;

/** The position up to which a log was read: the id of the last event, and the lines with that id. */
interface Position {
  readonly id: string | undefined;
  readonly lines: ReadonlySet<string>;
}

async function* followLog(
  { api, clock }: LogSource,
  reference: InstanceReference & { readonly providerId: string },
  tail: number,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  let at: Position = { id: undefined, lines: new Set() };
  let silentStreams = 0;
  let failures = 0;
  for (;;) {
    const resumed = at;
    try {
      for await (const event of eventsOf(api, reference.providerId, { tail, lastId: at.id }, context)) {
        if (event.id !== undefined && event.id === resumed.id && resumed.lines.has(event.data)) continue;
        at = advance(at, event);
        silentStreams = 0;
        failures = 0;
        yield toLogLine(event);
      }
    } catch (error) {
      failures += 1;
      if (context.signal.aborted || !isPassing(error) || failures > MAX_FAILURES) throw error;
    }
    if (await isGone(api, reference, context)) return;
    await clock.sleep(backoffSeconds(RESUME_BACKOFF, silentStreams) * 1000, context.signal);
    silentStreams += 1;
  }
}

async function isGone(api: RunpodApi, reference: InstanceReference, context: CallContext): Promise<boolean> {
  const status = (await getInstance(api, reference, context))?.status ?? "terminated";
  return status === "terminated";
}

function advance({ id, lines }: Position, event: EventSourceMessage): Position {
  return event.id === undefined || event.id === id
    ? { id, lines: new Set([...lines, event.data]) }
    : { id: event.id, lines: new Set([event.data]) };
}

/** Failures after which the stream resumes. NOT_FOUND is one of them: not every read shows a new pod at once. */
const PASSING: ReadonlySet<AtlasErrorCode> = new Set(["NOT_FOUND", "TIMEOUT", "TRANSPORT", "UNAVAILABLE"]);

function isPassing(error: unknown): boolean {
  return isAtlasError(error) && PASSING.has(error.code);
}

async function* eventsOf(
  api: RunpodApi,
  podId: string,
  start: LogStart,
  context: CallContext,
): AsyncGenerator<EventSourceMessage, void, undefined> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  for await (const text of api.logs(podId, start, context)) {
    parser.feed(text);
    yield* events.splice(0);
  }
}

/** Shows a line in an unknown form as it is: one odd line must not hide the others. */
function toLogLine({ data }: EventSourceMessage): LogLine {
  const event = logEventSchema.safeParse(parseJson(data));
  if (!event.success) return { line: data, source: "container" };
  const { line, source, ts } = event.data;
  return defined({ line, source: source === "system" ? "system" : "container", at: toDate(ts) } as const);
}
