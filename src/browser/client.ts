import { type Clock, systemClock } from "../clock.ts";
import { EMPTY_SNAPSHOT, isLive, join, type SessionCore } from "./core.ts";
import { find, open } from "./open.ts";
import type { ComputeClientHeaders } from "./request.ts";
import { type ComputeSession, createSession } from "./session.ts";
import { type TokenStorage, tabStorage } from "./tokens.ts";

/** Options of {@link createComputeClient}. */
export interface ComputeClientOptions {
  /** The address of the control plane: a path such as `/api/atlas`, or a URL of another origin that lists this page's. */
  readonly baseUrl: string;
  /** @default the page's own fetch, looked up at each request */
  readonly fetch?: typeof fetch | undefined;
  /** Headers of every request to the control plane, or a function that makes them. */
  readonly headers?: ComputeClientHeaders | undefined;
  /** The place of the tokens. @default sessionStorage: a token outlives a reload and not the tab */
  readonly storage?: TokenStorage | undefined;
  /** @default the browser's clock */
  readonly clock?: Clock | undefined;
}

/** The compute to open. */
export interface OpenOptions {
  /** The name of the compute among its user's. @default "default" */
  readonly slot?: string | undefined;
  /** The user's wish as JSON. The application turns it into a request: it decides on image and GPU. */
  readonly wish?: unknown;
  /** Ends the wait of this call. The request goes on, for other callers and because its compute may exist: `end` or `close` the session. */
  readonly signal?: AbortSignal | undefined;
}

/** A session that is being opened. Await it for a compute, or take its `session` at once to show the progress. */
export interface OpeningSession extends Promise<ComputeSession> {
  readonly session: ComputeSession;
}

/** A client of one control plane; made by {@link createComputeClient}. */
export interface ComputeClient {
  /**
   * The user's compute of that slot: restored, found or spawned, and never two. Resolves when the compute is known; its `session` shows
   * the progress before. Two calls at once share one session and one request, that of the first.
   * @throws ComputeError by `code`, when the application refuses; the signal's reason
   */
  open(options?: OpenOptions): OpeningSession;
  /** The user's compute of that slot, or `undefined` when there is none. Spawns nothing. @throws ComputeError */
  restore(options?: Pick<OpenOptions, "slot" | "signal">): Promise<ComputeSession | undefined>;
  /** Returns the page's session of that slot as it is, and sends nothing. After a `close` it is a new one. @param slot "default" where it is not given */
  session(slot?: string): ComputeSession;
}

/**
 * Makes a client for a page. Nothing is sent until the page opens or restores a session.
 *
 * @example
 * ```ts
 * import { createComputeClient } from "atlas-compute/browser";
 *
 * const computes = createComputeClient({ baseUrl: "/api/atlas" });
 * const session = await computes.open({ wish: { model: "llama" } });
 * session.subscribe(() => console.log(session.getSnapshot().message));
 * await session.whenReady();
 * const answer = await session.fetch("/v1/chat", { method: "POST", body: "hello" });
 * ```
 */
export function createComputeClient({
  baseUrl,
  fetch: given,
  headers,
  storage = tabStorage(),
  clock = systemClock,
}: ComputeClientOptions): ComputeClient {
  const kept = new Map<string, Kept>();
  /** The page's one session of a slot. A closed one makes room. */
  const keep = (slot = "default"): Kept => {
    const known = kept.get(slot);
    if (known && !known.core.closing.signal.aborted) return known;
    const core: SessionCore = {
      baseUrl: baseUrl.replace(/\/+$/, ""),
      path: `/slots/${slot}`,
      headers,
      clock,
      storage,
      fetch: given ?? ((...request) => fetch(...request)),
      mayStream: !given && !headers,
      snapshot: EMPTY_SNAPSHOT,
      facts: {},
      listeners: new Set(),
      closing: new AbortController(),
      pending: new Map(),
      isUsed: true,
      readAt: 0,
      renewAt: 0,
    };
    const made = { core, session: createSession(core) };
    kept.set(slot, made);
    return made;
  };
  return {
    open: ({ slot, wish = {}, signal } = {}) => {
      const { session, core } = keep(slot);
      return Object.assign(
        join(core, open, signal, wish).then(() => session),
        { session },
      );
    },
    session: (slot) => keep(slot).session,
    restore: async ({ slot, signal } = {}) => {
      const { session, core } = keep(slot);
      await join(core, find, signal);
      return isLive(core) ? session : undefined;
    },
  };
}

/** A session of this page, and its state. */
interface Kept {
  readonly core: SessionCore;
  readonly session: ComputeSession;
}
