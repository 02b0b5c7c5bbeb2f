import { join, type SessionCore, type SessionSnapshot, take } from "./core.ts";
import { follow } from "./follow.ts";
import { pathOf, send, tokenOf } from "./plane.ts";
import { addressOf, type PortChoice } from "./pod.ts";
import { fetchFromPod, whenReady } from "./pod-fetch.ts";
import { ComputeError } from "./request.ts";

/** The browser's window, as far as a session uses it. */
declare const window: { open(): OpenTab | null };

/** A tab that was opened from a page. */
interface OpenTab {
  opener: unknown;
  readonly location: { replace(url: string): void };
  close(): void;
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
  const { listeners } = core;
  return {
    getSnapshot: () => core.snapshot,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    whenReady: ({ signal } = {}) => join(core, whenReady, signal),
    fetch: (...request) => fetchFromPod(core, ...request),
    webSocket: (path, protocols = [], { port } = {}) => {
      const { url } = addressOf(core, path, port);
      const token = tokenOf(core);
      return new WebSocket(url, (token ? ["atlas.v1", `atlas.bearer.${token}`] : []).concat(protocols));
    },
    signedUrl: (path, options) => sign(core, "/signed-url", { path, ...options }),
    signedPrefix: (path, options) => sign(core, "/signed-url", { path, prefix: true, ...options }),
    openInTab: (path = "/", options) => openInTab(core, { path, ...options }),
    extend: (seconds) => change(core, "POST", "/extend", { seconds }),
    stop: () => change(core, "POST", "/stop"),
    start: () => change(core, "POST", "/start"),
    end: () => change(core, "DELETE"),
    close: () => {
      core.closing.abort(new ComputeError("CONFLICT", "The session is closed."));
      core.events?.close();
    },
  };
}

/** Sends a change of the compute, and shows what became of it. */
async function change(core: SessionCore, method: string, action = "", body?: object): Promise<void> {
  take(core, await act(core, method, action, body));
  follow(core);
}

async function sign(core: SessionCore, action: string, body: object): Promise<string> {
  return (await act<{ readonly url: string }>(core, "POST", action, body)).url;
}

function act<Answer>(core: SessionCore, method: string, action: string, body?: object): Promise<Answer> {
  return send(core, method, pathOf(core) + action, body && JSON.stringify(body));
}

async function openInTab(core: SessionCore, body: object): Promise<void> {
  const tab = window.open();
  if (!tab) throw new ComputeError("FORBIDDEN", "The browser blocked the tab.");
  tab.opener = null;
  try {
    tab.location.replace(await sign(core, "/open", body));
  } catch (error) {
    tab.close();
    throw error;
  }
}
