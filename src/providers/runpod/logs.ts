/** A pod's log: a stream of server-sent events that is taken up again where it broke off. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { CallContext } from "../../call-context.ts";
import type { Clock } from "../../clock.ts";
import { type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import type { HttpClient, HttpRequest } from "../../internal/http.ts";
import type { LogLine, LogOptions } from "../../provider.ts";
import { toDate } from "./convert.ts";
import { logEventSchema } from "./wire.ts";

/** What reading a log takes. */
export interface LogSource {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly podId: string;
  /** Whether the pod still exists. */
  readonly exists: (context: CallContext) => Promise<boolean>;
}

const MAX_LINES = 5000;

/** The pod's log lines, oldest first. */
export function readLogs(
  source: LogSource,
  options: LogOptions,
  context: CallContext,
): AsyncIterable<LogLine> {
  const tail = Math.min(options.tail, MAX_LINES);
  return options.follow ? followLog(source, tail, context) : pastLines(source, tail, context);
}

/**
 * RunPod keeps the stream open and does not mark where the past lines end: they have ended when nothing more comes. That is the
 * silence of a socket and takes real time, whatever the clock says.
 */
const FIRST_LINE_MILLISECONDS = 5000;
const NEXT_LINE_MILLISECONDS = 1000;

async function* pastLines(
  { http, podId }: LogSource,
  tail: number,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  const silence = new AbortController();
  const within = (milliseconds: number): NodeJS.Timeout => setTimeout(() => silence.abort(), milliseconds);
  const signal = AbortSignal.any([context.signal, silence.signal]);
  let left = tail;
  let timer = within(FIRST_LINE_MILLISECONDS);
  try {
    if (left === 0) return;
    for await (const event of eventsOf(http, podId, { tail }, { ...context, signal })) {
      clearTimeout(timer);
      yield toLogLine(event);
      left -= 1;
      if (left === 0) return;
      timer = within(NEXT_LINE_MILLISECONDS);
    }
  } catch (error) {
    const isGone = isAtlasError(error) && error.code === "NOT_FOUND";
    if (!silence.signal.aborted && !isGone) throw error;
  } finally {
    clearTimeout(timer);
  }
}

const FIRST_PAUSE_MILLISECONDS = 1000;
const MAX_PAUSE_MILLISECONDS = 30_000;
const MAX_FAILURES = 5;

/** Where a log was read up to: the last event's id, and the lines that bore it. */
interface Position {
  readonly id: string | undefined;
  readonly lines: ReadonlySet<string>;
}

async function* followLog(
  { http, clock, podId, exists }: LogSource,
  tail: number,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  let at: Position = { id: undefined, lines: new Set() };
  let pause = FIRST_PAUSE_MILLISECONDS;
  let failures = 0;
  for (;;) {
    const resumed = at;
    try {
      for await (const event of eventsOf(http, podId, { tail, lastId: at.id }, context)) {
        if (event.id !== undefined && event.id === resumed.id && resumed.lines.has(event.data)) continue;
        at = advance(at, event);
        pause = FIRST_PAUSE_MILLISECONDS;
        failures = 0;
        yield toLogLine(event);
      }
    } catch (error) {
      failures += 1;
      if (context.signal.aborted || !isPassing(error) || failures > MAX_FAILURES) throw error;
    }
    if (!(await exists(context))) return;
    await clock.sleep(pause, context.signal);
    pause = Math.min(pause * 2, MAX_PAUSE_MILLISECONDS);
  }
}

function advance({ id, lines }: Position, event: EventSourceMessage): Position {
  return event.id === undefined || event.id === id
    ? { id, lines: new Set([...lines, event.data]) }
    : { id: event.id, lines: new Set([event.data]) };
}

/** Failures after which the stream is taken up again. NOT_FOUND is one: a pod is not in every read at once. */
const PASSING: ReadonlySet<AtlasErrorCode> = new Set(["NOT_FOUND", "TIMEOUT", "TRANSPORT", "UNAVAILABLE"]);

function isPassing(error: unknown): boolean {
  return isAtlasError(error) && PASSING.has(error.code);
}

interface Start {
  readonly tail: number;
  readonly lastId?: string | undefined;
}

async function* eventsOf(
  http: HttpClient,
  podId: string,
  { tail, lastId }: Start,
  context: CallContext,
): AsyncGenerator<EventSourceMessage, void, undefined> {
  const request: HttpRequest = {
    method: "GET",
    path: `/pods/${encodeURIComponent(podId)}/logs`,
    query: { tail: lastId === undefined ? tail : undefined },
    headers: { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
    idempotent: true,
  };
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  for await (const text of http.stream(request, context)) {
    parser.feed(text);
    yield* events.splice(0);
  }
}

/** A line in a form we do not know is shown as it is: one odd line must not hide the others. */
function toLogLine({ data }: EventSourceMessage): LogLine {
  const event = logEventSchema.safeParse(parseJson(data));
  if (!event.success) return { line: data, source: "container" };
  const { line, source, ts } = event.data;
  const at = toDate(ts);
  return { line, source: source === "system" ? "system" : "container", ...(at === undefined ? {} : { at }) };
}

function parseJson(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return json;
  } catch {
    return undefined;
  }
}
