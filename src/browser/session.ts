import type { ComputeSnapshot, WireToken } from "../wire.ts";
import {
  begin,
  isOver,
  NO_SNAPSHOT,
  now,
  pause,
  type SessionCore,
  type SessionSnapshot,
  take,
  update,
  wake,
} from "./core.ts";
import { follow } from "./follow.ts";
import { isBooting, isUsable } from "./phases.ts";
import { headersOf, urlOf } from "./pod.ts";
import { type Access, ComputeError, request, retryAfter } from "./request.ts";
import type { TokenStorage } from "./tokens.ts";

/** A port other than the first one that speaks HTTP. */
export interface PortChoice {
  readonly port?: number | undefined;
}

/** The validity of a signed address. */
export interface SignChoice extends PortChoice {
  /** A positive whole number of seconds. @default the control plane's */
  readonly expiresInSeconds?: number | undefined;
}

const RENEW_MILLISECONDS = 30_000;
const MAX_UNAVAILABLE = 15;

/** An answer of the control plane that may carry a token. */
type Answer = ComputeSnapshot & { readonly auth?: Partial<WireToken> };

/** The browser's view of one compute: its snapshot, its token, its requests. Made by `createComputeClient`. */
export class ComputeSession {
  readonly #core: SessionCore;
  #placing: Promise<this> | undefined;
  #following: Promise<void> | undefined;
  #renewedAt = 0;

  /** @internal */
  constructor(access: Access, tokens: TokenStorage, slot: string) {
    this.#core = {
      access,
      tokens,
      path: `/slots/${slot}`,
      closing: new AbortController(),
      listeners: new Set(),
      facts: {},
      snapshot: NO_SNAPSHOT,
      beganAt: 0,
      skew: 0,
      cut: new AbortController(),
    };
  }

  /** Returns the session at this moment: the same object until a field of it changes. */
  readonly getSnapshot = (): SessionSnapshot => this.#core.snapshot;

  /** Calls the listener after every change of the snapshot, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#core.listeners.add(listener);
    return () => this.#core.listeners.delete(listener);
  };

  /** True after {@link ComputeSession.close}. */
  get isClosed(): boolean {
    return this.#core.closing.signal.aborted;
  }

  /** @internal Finds or spawns the compute. Calls at the same time share one request. */
  place(wish: unknown, signal?: AbortSignal): Promise<this> {
    this.#placing ??= this.#place(wish, signal).finally(() => {
      this.#placing = undefined;
    });
    return this.#placing;
  }

  /** @internal Finds the compute. @returns undefined when there is none */
  async find(signal?: AbortSignal): Promise<this | undefined> {
    if (!isOver(this.#core)) return this;
    const found = await this.#send<Answer>("GET", this.#core.path, undefined, signal).catch(
      (error: unknown) => {
        if (error instanceof ComputeError && error.status === 404) return undefined;
        throw error;
      },
    );
    return found && (await this.#adopt(found));
  }

  /** Resolves when the pod takes requests. @throws ComputeError when the compute ends, fails or is paused; the signal's reason */
  whenReady({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const closing = this.#core.closing.signal;
      const settle = (): void => {
        const { phase, error, message } = this.getSnapshot();
        const over = [signal, closing].find((each) => each?.aborted);
        if (over) reject(over.reason);
        else if (isUsable(phase)) resolve();
        else if (isBooting(phase) || phase === "offline") return;
        else reject(error ?? new ComputeError("CONFLICT", message));
        stop.abort();
      };
      const stop = new AbortController();
      const options = { signal: stop.signal };
      stop.signal.addEventListener("abort", this.subscribe(settle));
      for (const each of [signal, closing]) each?.addEventListener("abort", settle, options);
      settle();
    });
  }

  /**
   * Sends a request to the pod with the session's token, as soon as the pod is ready. It repeats a request only where the pod's guard asks
   * for that, and renews a token that the guard rejects once.
   * @throws ComputeError VALIDATION for an address that is not this compute's; what `fetch` and {@link ComputeSession.whenReady} throw
   */
  async fetch(path: string | URL, init: RequestInit = {}, { port }: PortChoice = {}): Promise<Response> {
    await this.whenReady({ signal: init.signal ?? undefined });
    const compute = this.#known;
    const url = urlOf(compute, path, port);
    const { fetch, clock } = this.#core.access;
    let hasRenewed = init.body instanceof ReadableStream;
    for (let tries = hasRenewed ? MAX_UNAVAILABLE : 0; ; tries += 1) {
      const headers = headersOf(compute, init.headers, this.#token, port);
      const response = await fetch(url, { ...init, headers });
      const { status } = response;
      if (!response.headers.has("x-atlas-refusal")) return response;
      if (status === 503 && tries < MAX_UNAVAILABLE)
        await clock.sleep(retryAfter(response) * 1000, init.signal ?? undefined);
      else if (status === 401 && !hasRenewed && (await this.#renew(compute))) hasRenewed = true;
      else return response;
    }
  }

  /** Opens a WebSocket to the pod, with the session's token as a subprotocol. @throws ComputeError CONFLICT while the compute is not known */
  webSocket(path: string, protocols: string | readonly string[] = [], { port }: PortChoice = {}): WebSocket {
    const compute = this.#known;
    const url = urlOf(compute, path, port);
    url.protocol = url.protocol.replace("http", "ws");
    const token = this.#token;
    return new WebSocket(url, [
      ...(token ? ["atlas.v1", `atlas.bearer.${token}`] : []),
      ...[protocols].flat(),
    ]);
  }

  /** Signs an address of one path of the pod, valid for a limited time: for an `<img>`, an `<audio>` or a download. */
  signedUrl(path: string, options: SignChoice = {}): Promise<string> {
    return this.#sign("signed-url", { path, ...options });
  }

  /** Signs an address of everything below a path: for content that follows relative links, such as HLS or DASH. */
  signedPrefix(path: string, options: SignChoice = {}): Promise<string> {
    return this.#sign("signed-url", { path, prefix: true, ...options });
  }

  /** Opens a path of the pod in a new tab. Call it in the handler of a click, or the browser blocks the tab. */
  async openInTab(path = "/", options: SignChoice = {}): Promise<void> {
    const tab = window.open("about:blank");
    if (!tab) throw new ComputeError("FORBIDDEN", "The browser blocked the tab.");
    tab.opener = null;
    try {
      tab.location.replace(await this.#sign("open", { path, ...options }));
    } catch (error) {
      tab.close();
      throw error;
    }
  }

  /** Moves the planned end, as far as the application allows. */
  extend(seconds: number): Promise<void> {
    return this.#change("POST", "/extend", { seconds });
  }

  /** Pauses the compute. */
  stop(): Promise<void> {
    return this.#change("POST", "/stop");
  }

  /** Brings a paused compute back. */
  start(): Promise<void> {
    return this.#change("POST", "/start");
  }

  /** Ends the compute. */
  end(): Promise<void> {
    return this.#change("DELETE", "");
  }

  /** Forgets the page's view: no request, timer or listener stays behind. Ends no compute. */
  close(): void {
    this.#core.closing.abort(new ComputeError("CONFLICT", "The session is closed."));
    wake(this.#core);
  }

  #follow(): void {
    this.#following ??= follow(this.#core).finally(() => {
      this.#following = undefined;
    });
  }

  #keyOf(computeId: string): string {
    return `atlas ${this.#core.access.baseUrl} ${computeId}`;
  }

  get #token(): string | null {
    return this.#core.tokens.getItem(this.#keyOf(this.#known.id));
  }

  get #known(): ComputeSnapshot {
    const { compute } = this.#core.facts;
    if (compute) return compute;
    throw new ComputeError("CONFLICT", "The compute is not known yet.");
  }

  async #send<Body>(method: string, path: string, body?: unknown, caller?: AbortSignal): Promise<Body> {
    const closing = this.#core.closing.signal;
    const signal = caller ? AbortSignal.any([closing, caller]) : closing;
    try {
      return await request<Body>(this.#core.access, method, path, { body, signal });
    } catch (error) {
      const { compute } = this.#core.facts;
      if (compute && error instanceof ComputeError && /40[14]/.test(`${error.status}`))
        this.#core.tokens.removeItem(this.#keyOf(compute.id));
      throw error;
    }
  }

  /** Repeats a request whose answer was lost: the slot keeps it from spawning twice. */
  async #place(wish: unknown, signal: AbortSignal | undefined): Promise<this> {
    if (!isOver(this.#core)) return this;
    begin(this.#core);
    this.#follow();
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#adopt(await this.#send("PUT", this.#core.path, wish ?? {}, signal));
      } catch (error) {
        if (!mayRepeat(error)) {
          update(this.#core, {
            isOpening: false,
            isRefused: true,
            ...(error instanceof ComputeError && { error }),
          });
          throw error;
        }
        update(this.#core, { isOffline: error.code === "OFFLINE" });
        await pause(this.#core, error.retryAfterSeconds ?? Math.min(2 ** tries / 2, 10));
      }
    }
  }

  async #change(method: string, action: string, body?: unknown): Promise<void> {
    take(this.#core, await this.#send(method, `/computes/${this.#known.id}${action}`, body));
    wake(this.#core);
  }

  async #sign(route: string, body: unknown): Promise<string> {
    return (await this.#send<{ url: string }>("POST", `/computes/${this.#known.id}/${route}`, body)).url;
  }

  /** Takes the compute of the slot, and sees to a token for it. */
  async #adopt(answer: Answer): Promise<this> {
    const { id, auth } = answer;
    if (auth?.token) this.#core.tokens.setItem(this.#keyOf(id), auth.token);
    else if (!this.#core.tokens.getItem(this.#keyOf(id))) await this.#renew(answer);
    take(this.#core, { ...answer, ...(auth && { auth: { schemes: auth.schemes } }) });
    wake(this.#core);
    this.#follow();
    return this;
  }

  /** Asks for a token of this tab's own. @returns false when there is none to be had now */
  async #renew({ id, auth }: ComputeSnapshot): Promise<boolean> {
    if (!auth?.schemes.includes("bearer") || now(this.#core) - this.#renewedAt < RENEW_MILLISECONDS)
      return false;
    this.#renewedAt = now(this.#core);
    const { token } = await this.#send<WireToken>("POST", `/computes/${id}/token`, {});
    this.#core.tokens.setItem(this.#keyOf(id), token);
    return true;
  }
}

/** True for answers after which the same request may succeed, or finds what the first one made. */
function mayRepeat(error: unknown): error is ComputeError {
  if (!(error instanceof ComputeError)) return false;
  const { code, retryable } = error;
  return code === "UNCERTAIN" || (retryable && code !== "CAPACITY" && code !== "LIMIT_EXCEEDED");
}
