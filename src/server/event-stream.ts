/** Events as server-sent events: numbered, so that a browser resumes behind the last one it saw. */
import { isAtlasError } from "../errors.ts";
import { pause } from "../internal/pause.ts";
import type { ComputeEvent } from "../store.ts";
import type { Plane } from "./options.ts";

/** So often something is sent, so that nothing on the way takes a quiet stream for a dead one. */
const KEEP_ALIVE_SECONDS = 15;

/** Then the browser has to come back, and is asked again who it is. */
const MAX_STREAM_SECONDS = 900;

/** A stream of these events. It reads on only as fast as it is read, and stops when either end is gone. */
export function eventStream(
  plane: Plane,
  signal: AbortSignal,
  follow: (signal: AbortSignal) => AsyncIterable<ComputeEvent>,
): ReadableStream<Uint8Array> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const frames = toFrames(plane, follow(over.signal), over.signal);
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
  yield ": connected\n\n";
  try {
    let next = iterator.next();
    while (!signal.aborted && clock.now().getTime() < end) {
      const result = await orQuiet(plane, next);
      if (result === undefined) yield ": keep-alive\n\n";
      else if (result.done === true) return;
      else {
        yield toFrame(result.value);
        next = iterator.next();
      }
    }
  } catch (error) {
    const facts = { error: isAtlasError(error) ? error.code : "not an AtlasError" };
    logger?.warn("a stream of events broke off; the browser comes back", facts);
  }
}

/** The next event, or `undefined` when none came for a while. */
async function orQuiet<Result>({ clock }: Plane, next: Promise<Result>): Promise<Result | undefined> {
  const came = new AbortController();
  const quiet = pause(clock, KEEP_ALIVE_SECONDS, came.signal).then(() => undefined);
  try {
    return await Promise.race([next, quiet]);
  } finally {
    came.abort();
  }
}

function toFrame(event: ComputeEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
