/** Events of a compute as server-sent events, numbered so that a browser can resume. */
import { isAtlasError } from "../errors.ts";
import { orAfter } from "../internal/within.ts";
import type { ComputeEvent } from "../store.ts";
import type { WireEvent } from "../wire.ts";
import type { Plane } from "./options.ts";

/** The longest silence on a stream. Proxies close a connection that stays silent for longer. */
const KEEP_ALIVE_SECONDS = 15;

/** The longest life of a stream. Then the browser reconnects and presents its credential again. */
const MAX_STREAM_SECONDS = 900;

/** The pause after which a browser reconnects to a control plane that has ended its streams. */
const RECONNECT_MILLISECONDS = 2000;

/** The parts of a stream. */
export interface StreamParts {
  /** Aborts when the reader is gone. */
  readonly signal: AbortSignal;
  /** Ends the stream, and is aborted when it has ended. */
  readonly over: AbortController;
  readonly follow: (signal: AbortSignal) => AsyncIterable<ComputeEvent>;
}

/** A stream of these events. It reads events only as fast as its reader takes them, and stops when either end is gone. */
export function eventStream(plane: Plane, { signal, over, follow }: StreamParts): ReadableStream<Uint8Array> {
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const frames = toFrames(plane, follow(over.signal), over.signal);
  // A reader that is gone takes no further frame, so that only this ends what follows the events.
  over.signal.addEventListener("abort", () => void frames.return(), { once: true });
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await frames.next();
        if (done !== true) return controller.enqueue(encoder.encode(value));
        signal.removeEventListener("abort", stop);
        stop();
        controller.close();
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

async function* toFrames(
  plane: Plane,
  events: AsyncIterable<ComputeEvent>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { clock, logger } = plane;
  const end = clock.now().getTime() + MAX_STREAM_SECONDS * 1000;
  const iterator = events[Symbol.asyncIterator]();
  const logFailure = (error: unknown): void =>
    logger?.warn("an event stream broke off; the browser will reconnect", {
      error: isAtlasError(error) ? error.code : "not an AtlasError",
    });
  yield `: connected\nretry: ${RECONNECT_MILLISECONDS}\n\n`;
  try {
    let next = iterator.next();
    while (!signal.aborted && clock.now().getTime() < end) {
      const result = await orAfter(clock, KEEP_ALIVE_SECONDS, next);
      if (result === undefined) yield ": keep-alive\n\n";
      else if (result.done === true) return;
      else {
        yield toFrame(await toWire(plane, result.value));
        next = iterator.next();
      }
    }
  } catch (error) {
    logFailure(error);
  } finally {
    // It may wait for the signal, which aborts after this generator has ended.
    iterator.return?.().catch(logFailure);
  }
}

/**
 * The event as it travels. A change of status brings the compute with it, so that a page needs no second request; an event of the past, which a
 * reader catches up with, brings none.
 */
async function toWire({ atlas }: Plane, event: ComputeEvent): Promise<WireEvent> {
  const wire = { ...event, at: event.at.toISOString(), data: withoutName(event.data) };
  if (event.type !== "state") return wire;
  const compute = await atlas.getCompute(event.computeId);
  return compute.status === event.status ? { ...wire, compute: compute.snapshot() } : wire;
}

/** A user learns that an operator acted, and not which one. */
function withoutName(data: WireEvent["data"]): WireEvent["data"] {
  const { by } = data;
  return typeof by === "string" ? { ...data, by: by.replace(/:.*$/s, "") } : data;
}

function toFrame(event: WireEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
