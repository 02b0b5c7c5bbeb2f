/** The client's operations that sign a URL of a compute by its id, at any time. */
import { AtlasJobs } from "./atlas-jobs.ts";
import type { OpenOptions, SignOptions } from "./compute-links.ts";
import type { Context } from "./lifecycle/context.ts";
import { loadLifecycle } from "./load-lifecycle.ts";

/** The part of a client that signs. */
export abstract class AtlasLinks extends AtlasJobs {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    super(context);
    this.#context = context;
  }

  /**
   * Signs a URL that opens one path of a compute's port for a while.
   * @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE without `signingKey`
   */
  async signUrl(id: string, port: number, path: string, options: SignOptions = {}): Promise<string> {
    const { loadRecord } = await loadLifecycle();
    const { record } = await loadRecord(this.#context, id);
    const { signedUrl } = await import("./compute-links.ts");
    return signedUrl(this.#context, record, { port, path, options });
  }

  /**
   * Signs a folder of a compute's port. See {@link Compute.signPrefix}.
   * @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE without `signingKey`
   */
  async signPrefix(id: string, port: number, path: string, options: SignOptions = {}): Promise<string> {
    const { loadRecord } = await loadLifecycle();
    const { record } = await loadRecord(this.#context, id);
    const { signedPrefix } = await import("./compute-links.ts");
    return signedPrefix(this.#context, record, { port, path, options });
  }

  /**
   * Signs a link that opens a compute's port in a browser tab. See {@link Compute.openUrl}.
   * @throws NOT_FOUND, VALIDATION, KEY_UNAVAILABLE without `signingKey`
   */
  async openUrl(id: string, port: number, path = "/", options: OpenOptions = {}): Promise<string> {
    const { loadRecord } = await loadLifecycle();
    const { record } = await loadRecord(this.#context, id);
    const { openingLink } = await import("./compute-links.ts");
    return openingLink(this.#context, record, { port, path, options });
  }
}
