import { join, rest, type SessionCore, type SessionSnapshot, take } from "./core.ts";
import { follow } from "./follow.ts";
import { isBooting, isUsable, phaseOf } from "./phases.ts";
import { known, send, tokenOf } from "./plane.ts";
import { urlOf } from "./pod.ts";
import { fetchFromPod } from "./pod-fetch.ts";
import { ComputeError } from "./request.ts";

/** The browser's window, as far as a session uses it. */
declare const window: { open(url: string): OpenTab | null };

/** A tab that was opened from a page. */
interface OpenTab {
  opener: unknown;
  readonly location: { replace(url: string): void };
  close(): void;
}

/** A port other than the first one that speaks HTTP. */
export interface PortChoice {
  readonly port?: number | undefined;
}

/** The validity of a signed address. */
export interface SignChoice extends PortChoice {
  /** A positive whole number of seconds. @default the control plane's */
  readonly expiresInSeconds?: number | undefined;
}

/** The browser's view of one compute: its snapshot, its token, its requests. Made by `createComputeClient`. */
export interface ComputeSession {
  /** Returns the session at this moment: the same object until a field of it changes. */
  getSnapshot(): SessionSnapshot;
  /** Calls the listener after every change of the snapshot, until the returned function is called. */
  subscribe(listener: () => void): () => void;
  /** Resolves when the pod takes requests. @throws ComputeError when the compute ends, fails or is paused; the signal's reason */
  whenReady(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * Sends a request to the pod with the session's token, as soon as the pod is ready. It repeats a request only where the pod's guard asks
   * for that, and renews a token that the guard rejects once.
   * @throws ComputeError VALIDATION for an address that is not this compute's; what `fetch` and {@link ComputeSession.whenReady} throw
   */
  fetch(path: string | URL, init?: RequestInit, options?: PortChoice): Promise<Response>;
  /** Opens a WebSocket to the pod, with the session's token as a subprotocol. @throws ComputeError CONFLICT while the compute is not known */
  webSocket(path: string, protocols?: string | readonly string[], options?: PortChoice): WebSocket;
  /** Signs an address of one path of the pod, valid for a limited time: for an `<img>`, an `<audio>` or a download. */
  signedUrl(path: string, options?: SignChoice): Promise<string>;
  /** Signs an address of everything below a path: for content that follows relative links, such as HLS or DASH. */
  signedPrefix(path: string, options?: SignChoice): Promise<string>;
  /** Opens a path of the pod in a new tab. Call it in the handler of a click, or the browser blocks the tab. */
  openInTab(path?: string, options?: SignChoice): Promise<void>;
  /** Moves the planned end, as far as the application allows. */
  extend(seconds: number): Promise<void>;
  /** Pauses the compute. */
  stop(): Promise<void>;
  /** Brings a paused compute back. */
  start(): Promise<void>;
  /** Ends the compute. */
  end(): Promise<void>;
  /** Forgets the page's view: no request, timer or listener stays behind. Ends no compute. */
  close(): void;
}

/** The session over this state. */
export function createSession(core: SessionCore): ComputeSession {
  const ready = (signal?: AbortSignal | null): Promise<void> =>
    join(core, "ready", () => whenReady(core), signal);
  return {
    getSnapshot: () => core.snapshot,
    subscribe: (listener) => {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    whenReady: ({ signal } = {}) => ready(signal),
    fetch: async (path, init = {}, { port } = {}) => {
      await ready(init.signal);
      return fetchFromPod(core, urlOf(known(core), path, port), init, port);
    },
    webSocket: (path, protocols = [], { port } = {}) => {
      const url = urlOf(known(core), path, port);
      url.protocol = url.protocol.replace("http", "ws");
      const token = tokenOf(core);
      const own = token ? ["atlas.v1", `atlas.bearer.${token}`] : [];
      return new WebSocket(url, own.concat(protocols));
    },
    signedUrl: (path, options) => sign(core, "signed-url", { path, ...options }),
    signedPrefix: (path, options) => sign(core, "signed-url", { path, prefix: true, ...options }),
    openInTab: (path = "/", options = {}) => openInTab(core, { path, ...options }),
    extend: (seconds) => change(core, "POST", "/extend", { seconds }),
    stop: () => change(core, "POST", "/stop"),
    start: () => change(core, "POST", "/start"),
    end: () => change(core, "DELETE", ""),
    close: () => {
      core.closing.abort(new ComputeError("CONFLICT", "The session is closed."));
      rest(core);
    },
  };
}

function whenReady(core: SessionCore): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      // A pod needs no control plane to take requests.
      const phase = phaseOf({ ...core.facts, isOffline: false });
      const { error, message } = core.snapshot;
      if (isUsable(phase)) resolve();
      else if (isBooting(phase)) return;
      else reject(error ?? new ComputeError("CONFLICT", message));
      core.listeners.delete(settle);
    };
    core.listeners.add(settle);
    settle();
  });
}

/** Sends a change of the compute, and shows what became of it. */
async function change(core: SessionCore, method: string, action: string, body?: unknown): Promise<void> {
  take(core, await send(core, method, `/computes/${known(core).id}${action}`, body));
  follow(core);
}

async function sign(core: SessionCore, route: string, body: unknown): Promise<string> {
  return (await send<{ url: string }>(core, "POST", `/computes/${known(core).id}/${route}`, body)).url;
}

async function openInTab(core: SessionCore, body: unknown): Promise<void> {
  const tab = window.open("about:blank");
  if (!tab) throw new ComputeError("FORBIDDEN", "The browser blocked the tab.");
  tab.opener = null;
  try {
    tab.location.replace(await sign(core, "open", body));
  } catch (error) {
    tab.close();
    throw error;
  }
}
