/** The rate at which Fly takes requests (fly.io/docs/machines/api/working-with-machines-api), which this process keeps by itself. */
import type { Clock } from "../../clock.ts";
import { AtlasError } from "../../errors.ts";
import type { HttpRequest } from "../../internal/http-request.ts";
import { createTurns, type Rate } from "../../internal/turns.ts";

/** One request a second for each action on each thing, with a burst. */
const USUAL: Rate = { perSecond: 1, burst: 3 };

/** Requests with a rate of their own. `every` has one rate for all things together. */
const EXCEPTIONS: readonly {
  readonly method: string;
  readonly path: RegExp;
  readonly rate: Rate;
  readonly every?: true;
}[] = [
  { method: "GET", path: /^\/apps\/[^/]+\/machines\/[^/]+$/, rate: { perSecond: 5, burst: 10 } },
  { method: "DELETE", path: /^\/apps\/[^/]+$/, rate: { perSecond: 100 / 60, burst: 10 }, every: true },
];

/** Shorter than a create may take, so that a request which waits in vain is refused and not cut off. */
const MAX_QUEUE_SECONDS = 40;

/**
 * Makes the wait for a turn. Each action on each thing has a queue of its own, so that a look never delays a create or an end.
 * @throws RATE_LIMIT, from the wait, when the queue is too long
 */
export function createPace(clock: Clock): (request: HttpRequest, signal: AbortSignal) => Promise<void> {
  const turns = createTurns(clock, MAX_QUEUE_SECONDS);
  return async (request, signal) => {
    const { method, path, idempotent } = request;
    const exception = EXCEPTIONS.find((other) => other.method === method && other.path.test(path));
    const key = exception?.every ? method : `${method} ${path}`;
    const seconds = await turns.take(key, exception?.rate ?? USUAL, signal);
    if (seconds === undefined) return;
    const message = `fly: ${method} ${path} was not sent: Fly takes ${USUAL.perSecond} such request a second, and more wait than ${MAX_QUEUE_SECONDS} seconds suffice for`;
    throw new AtlasError("RATE_LIMIT", message, {
      provider: "fly",
      retryAfterSeconds: Math.ceil(seconds),
      mayHaveCreated: idempotent ? undefined : false,
    });
  };
}
