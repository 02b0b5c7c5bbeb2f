import { type Clock, systemClock } from "../clock.ts";
import { EMPTY_SNAPSHOT, isLive, join, type SessionCore } from "./core.ts";
import { find, place } from "./open.ts";
import type { Access, ComputeClientHeaders } from "./request.ts";
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
export function createComputeClient(options: ComputeClientOptions): ComputeClient {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const access: Access = {
    baseUrl,
    headers: options.headers,
    clock: options.clock ?? systemClock,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    mayStream: typeof EventSource === "function" && !options.fetch && !options.headers,
  };
  const tokens = options.storage ?? tabStorage();
  const kept = new Map<string, Kept>();
  /** The page's one session of a slot. A closed one makes room. */
  const keep = (slot = "default"): Kept => {
    const known = kept.get(slot);
    if (known && !known.core.closing.signal.aborted) return known;
    const core = createCore(access, tokens, `/slots/${slot}`);
    const made = { core, session: createSession(core) };
    kept.set(slot, made);
    return made;
  };
  return {
    open: ({ slot, wish, signal } = {}) => {
      const { session, core } = keep(slot);
      return Object.assign(
        join(core, "place", () => place(core, wish), signal).then(() => session),
        { session },
      );
    },
    session: (slot) => keep(slot).session,
    restore: async ({ slot, signal } = {}) => {
      const { session, core } = keep(slot);
      await join(core, "find", () => find(core), signal);
      return isLive(core) ? session : undefined;
    },
  };
}

/** A session of this page, and its state. */
interface Kept {
  readonly core: SessionCore;
  readonly session: ComputeSession;
}

function createCore(access: Access, tokens: TokenStorage, path: string): SessionCore {
  return {
    ...access,
    tokens,
    path,
    snapshot: EMPTY_SNAPSHOT,
    facts: {},
    listeners: new Set(),
    closing: new AbortController(),
    cut: new AbortController(),
    pending: {},
    isHeard: false,
    isUsed: true,
    beganAt: 0,
    skew: 0,
    probes: 0,
    renewedAt: 0,
    readAt: 0,
  };
}
