/** A request to the HTTP client. */

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** The path below the base URL, beginning with `/`. Ids in it are encoded by the caller. It shows up in errors. */
  readonly path: string;
  /** Query parameters; a list is one parameter repeated, `undefined` is left out. Never shown in errors. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly json?: unknown;
  /**
   * True when two requests have the same effect as one. The client repeats only such a request when its outcome is open;
   * the errors of any other one tell in `mayHaveCreated` that the provider may have acted on it.
   */
  readonly idempotent: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Values in the body that must not show up in an error, should the server repeat them. */
  readonly secrets?: readonly string[];
  /** The time for this request, in seconds. @default the context's */
  readonly timeoutSeconds?: number;
  /** The longest answer to this request, in bytes. @default the client's */
  readonly maxBytes?: number;
}

type QueryValue = string | number | boolean | readonly string[] | undefined;
