/** The handlers of a shared control plane: the application's own, and one for each tenant. */
import type { Atlas } from "../atlas.ts";

/** A Fetch handler, such as `createControlPlane` makes. */
export interface Handler {
  (request: Request): Promise<Response>;
  /** Ends its event streams. */
  closeStreams?(): void;
}

/** The handler of all tenants. */
export interface TenantsHandler extends Handler {
  /** Ends the event streams of every tenant: call it when the process is told to end, before the server's `close()`. */
  closeStreams(): void;
}

/** The Atlas that a request is for: a tenant's, or with null the application's own. */
export interface Target {
  readonly id: string | null;
  readonly atlas: Atlas;
}

/** Reports of pods, the only calls that a pod makes. The control plane then checks the credential. */
const REPORT = /\/pod\/(?:heartbeat|status|gpu-health|metrics|logs)\/?$/;

/** True for a request that only a pod makes. */
export function isReport({ url }: Pick<Request, "url">): boolean {
  return REPORT.test(new URL(url).pathname);
}

/** Makes a handler for each tenant, and another one when its Atlas was replaced. */
export class TenantHandlers {
  readonly #make: (atlas: Atlas) => Handler;
  readonly #made = new Map<string | null, { readonly atlas: Atlas; readonly handler: Handler }>();

  constructor(make: (atlas: Atlas) => Handler) {
    this.#make = make;
  }

  /** Returns the handler of this target. The streams of one that is replaced end; browsers reconnect to the new one. */
  of({ id, atlas }: Target): Handler {
    const known = this.#made.get(id);
    if (known?.atlas === atlas) return known.handler;
    known?.handler.closeStreams?.();
    const handler = this.#make(atlas);
    this.#made.set(id, { atlas, handler });
    return handler;
  }

  /** Ends the event streams of every handler. */
  closeStreams(): void {
    for (const { handler } of this.#made.values()) handler.closeStreams?.();
  }
}
