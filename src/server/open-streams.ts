/** The open event streams of a control plane: so many for each user, and all of them ended when the process is to end. */
import { AtlasError } from "../errors.ts";
import { atProcessEnd } from "../internal/process-end.ts";

/** The most open event streams of one user in one process: a browser opens one for each tab. */
export const MAX_STREAMS_PER_USER = 20;

const RETRY_SECONDS = 5;

/** Counts the open streams, and closes them. */
export class OpenStreams {
  readonly #byUser = new Map<string, Set<AbortController>>();
  #isClosed = false;
  #release: () => void = () => undefined;

  /** True from the close on: a stream that is opened later ends at once. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The number of open streams. */
  get size(): number {
    return [...this.#byUser.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Opens a stream of a user, until the returned controller is aborted. @throws RATE_LIMIT beyond {@link MAX_STREAMS_PER_USER} */
  open(userId: string): AbortController {
    const streams = this.#byUser.get(userId) ?? new Set();
    if (streams.size >= MAX_STREAMS_PER_USER) throw tooMany();
    const stream = new AbortController();
    if (this.#byUser.size === 0) this.#release = atProcessEnd("streams", () => this.close());
    this.#byUser.set(userId, streams.add(stream));
    stream.signal.addEventListener("abort", () => this.#forget(userId, stream), { once: true });
    if (this.#isClosed) stream.abort();
    return stream;
  }

  /** Ends every stream. */
  close(): void {
    this.#isClosed = true;
    for (const streams of this.#byUser.values()) for (const stream of streams) stream.abort();
  }

  #forget(userId: string, stream: AbortController): void {
    const streams = this.#byUser.get(userId);
    streams?.delete(stream);
    if (streams?.size === 0) this.#byUser.delete(userId);
    if (this.#byUser.size === 0) this.#release();
  }
}

function tooMany(): AtlasError {
  return new AtlasError(
    "RATE_LIMIT",
    `A user may follow ${MAX_STREAMS_PER_USER} event streams at once: close one first.`,
    { retryAfterSeconds: RETRY_SECONDS },
  );
}
