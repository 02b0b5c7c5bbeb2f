/**
 * The browser client as a React hook.
 *
 * @module
 */
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import {
  type ComputeClient,
  type ComputeSession,
  createComputeClient,
  EMPTY_SNAPSHOT,
  type SessionSnapshot,
} from "../browser/index.ts";

/** Options of {@link useCompute}. */
export interface UseComputeOptions {
  /** The address of the control plane, such as `/api/atlas`. */
  readonly baseUrl: string;
  /** The name of the compute among its user's. @default "default" */
  readonly slot?: string | undefined;
  /** The user's wish as JSON, for `autoOpen` and for an `open` without one. */
  readonly wish?: unknown;
  /** Opens the compute when the component appears. Without it an existing compute is shown, and none is spawned. @default false */
  readonly autoOpen?: boolean | undefined;
  /** A client of the page's own, where it needs headers or another storage. Keep it outside of the component. @default one for each `baseUrl` */
  readonly client?: ComputeClient | undefined;
}

/** The verbs of a session, and `open`. */
export interface ComputeActions
  extends Omit<ComputeSession, "getSnapshot" | "subscribe" | "close" | "whenReady"> {
  /** Restores, finds or spawns the compute. @param wish that of the hook's options where it is not given @throws ComputeError by `code`; the snapshot shows it, too */
  open(wish?: unknown): Promise<ComputeSession>;
}

/** The snapshot's fields, and the verbs. */
export type UsedCompute = SessionSnapshot & ComputeActions;

const clients = new Map<string, ComputeClient>();
const users = new WeakMap<ComputeSession, number>();

/**
 * Follows the user's compute of a slot. Components with the same `baseUrl` and slot share one session, which closes with the last of them.
 *
 * @example
 * ```tsx
 * import { useCompute } from "atlas-compute/react";
 *
 * export function Gpu() {
 *   const gpu = useCompute({ baseUrl: "/api/atlas" });
 *   return <button onClick={() => gpu.open()}>{gpu.message}</button>;
 * }
 * ```
 */
export function useCompute({ baseUrl, slot, wish, autoOpen, client }: UseComputeOptions): UsedCompute {
  const latest = useRef(wish);
  useEffect(() => {
    latest.current = wish;
  });
  const { actions, subscribe, getSnapshot, begin } = useMemo(
    () =>
      bind(
        () => client ?? clientOf(baseUrl),
        slot,
        () => latest.current,
      ),
    [baseUrl, client, slot],
  );
  const snapshot = useSyncExternalStore(subscribe, getSnapshot, () => EMPTY_SNAPSHOT);
  useEffect(() => begin(autoOpen), [begin, autoOpen]);
  return { ...snapshot, ...actions };
}

function clientOf(baseUrl: string): ComputeClient {
  const client = clients.get(baseUrl) ?? createComputeClient({ baseUrl });
  clients.set(baseUrl, client);
  return client;
}

interface Bound {
  readonly actions: ComputeActions;
  readonly subscribe: (listener: () => void) => () => void;
  readonly getSnapshot: () => SessionSnapshot;
  readonly begin: (mayOpen?: boolean) => void;
}

/** Binds the verbs to the session that the page has when they are called: a closed one has a successor. */
function bind(client: () => ComputeClient, slot: string | undefined, latest: () => unknown): Bound {
  const session = (): ComputeSession => client().session(slot);
  const open = (wish = latest()): Promise<ComputeSession> => client().open({ slot, wish });
  return {
    actions: {
      open,
      fetch: (...args) => session().fetch(...args),
      webSocket: (...args) => session().webSocket(...args),
      signedUrl: (...args) => session().signedUrl(...args),
      signedPrefix: (...args) => session().signedPrefix(...args),
      openInTab: (...args) => session().openInTab(...args),
      extend: (seconds) => session().extend(seconds),
      stop: () => session().stop(),
      start: () => session().start(),
      end: () => session().end(),
    },
    getSnapshot: () => session().getSnapshot(),
    subscribe: (listener) => use(session(), listener),
    begin: (mayOpen) => {
      // The snapshot carries a refusal.
      (mayOpen ? open() : client().restore({ slot })).catch(() => undefined);
    },
  };
}

/** Subscribes to a session, and closes it when its last user has left: StrictMode leaves and comes back within the same task. */
function use(session: ComputeSession, listener: () => void): () => void {
  const count = (change: number): number => {
    const next = (users.get(session) ?? 0) + change;
    users.set(session, next);
    return next;
  };
  count(1);
  const unsubscribe = session.subscribe(listener);
  return () => {
    unsubscribe();
    count(-1);
    queueMicrotask(() => count(0) || session.close());
  };
}
