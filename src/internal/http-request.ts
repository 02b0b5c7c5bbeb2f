/** What the HTTP client is asked. */

/** What to ask for. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** The path below the base URL, beginning with `/`. Ids in it are encoded by the caller. It shows up in errors. */
  readonly path: string;
  /** Query parameters; a list is one parameter repeated, `undefined` is left out. Never shown in errors. */
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly json?: unknown;
  /**
   * Whether sending it twice does no more than sending it once. Only such a request is repeated when its outcome is open;
   * the errors of any other one say in `mayHaveCreated` whether something may have come of it.
   */
  readonly idempotent: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Values in the body that must not show up in an error, should the server repeat them. */
  readonly secrets?: readonly string[];
  /** The time for this request, in seconds. @default the context's */
  readonly timeoutSeconds?: number;
}

type QueryValue = string | number | boolean | readonly string[] | undefined;
