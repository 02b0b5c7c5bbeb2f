/** Server-sent events without an end, as fast as the client reads them. */
import type { RequestListener } from "node:http";
import { pipeline, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

const DIGITS = 1016;
/** The digits of an event's number, which stands between `data: ` and a blank line. */
const EVENT_BYTES = DIGITS + "data: \n\n".length;
const EVENTS_AT_ONCE = 64;

/** A server of events that counts the bytes that left it. */
export interface EndlessEvents {
  readonly listener: RequestListener;
  readonly sentBytes: number;
  /** Resolves when no byte has left for a while, or at the limit. */
  heldBack(): Promise<void>;
}

/** Makes a server of events. It ends at a limit, because a proxy that buffers everything would fill the machine's memory. */
export function endlessEvents(limitBytes: number): EndlessEvents {
  let sentBytes = 0;
  function* chunks(): Generator<Buffer> {
    while (sentBytes < limitBytes) {
      const chunk = eventsFrom(sentBytes / EVENT_BYTES);
      sentBytes += chunk.length;
      yield chunk;
    }
  }
  return {
    listener: (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      pipeline(Readable.from(chunks()), response, () => {});
    },
    get sentBytes() {
      return sentBytes;
    },
    heldBack: async () => {
      for (let before = -1; before !== sentBytes && sentBytes < limitBytes; await sleep(200))
        before = sentBytes;
    },
  };
}

/** Counts events that arrive in pieces of any size, and throws at the first changed one. */
export class EventCounter {
  #rest = "";
  #events = 0;

  get bytes(): number {
    return this.#events * EVENT_BYTES + this.#rest.length;
  }

  take(piece: Buffer): void {
    const text = this.#rest + piece.toString("latin1");
    let at = 0;
    for (; at + EVENT_BYTES <= text.length; at += EVENT_BYTES) {
      if (text.slice(at, at + EVENT_BYTES) !== eventOf(this.#events))
        throw new Error(`Event ${this.#events} arrived changed.`);
      this.#events += 1;
    }
    this.#rest = text.slice(at);
  }
}

function eventsFrom(first: number): Buffer {
  const events = Array.from({ length: EVENTS_AT_ONCE }, (_, index) => eventOf(first + index));
  return Buffer.from(events.join(""), "latin1");
}

function eventOf(number: number): string {
  return `data: ${String(number).padStart(DIGITS, "0")}\n\n`;
}
