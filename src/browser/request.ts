import type { Clock } from "../clock.ts";
import type { WireProblem } from "../wire.ts";

/** Headers of the page's own, such as a credential of its session: an object, or a function that makes one for each request. */
export type ComputeClientHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** The page's way to its control plane. */
export interface Access {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly headers: ComputeClientHeaders | undefined;
  /** True where the browser's own `EventSource` may follow events: it sends cookies, and neither headers nor another `fetch`. */
  readonly mayStream: boolean;
  readonly clock: Clock;
}

/** The facts of a {@link ComputeError}. */
export type ComputeErrorFacts = Partial<Pick<WireProblem, "status" | "retryable" | "retryAfterSeconds">>;

/** A refusal of the control plane or of the pod, by `code`. */
export class ComputeError extends Error {
  override readonly name = "ComputeError";
  /** A code of the closed list of `AtlasErrorCode`, or `OFFLINE` when no answer came. Branch on it. */
  readonly code: WireProblem["code"] | "OFFLINE";
  /** The HTTP status; absent when no answer came. */
  readonly status: number | undefined;
  /** True when the same call may succeed later. */
  readonly retryable: boolean;
  /** Seconds to wait before the next try. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ComputeError["code"], message: string, facts: ComputeErrorFacts = {}) {
    super(message);
    this.code = code;
    this.status = facts.status;
    this.retryable = facts.retryable ?? false;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

/**
 * Sends a request to the control plane and parses its JSON.
 * @throws ComputeError for each answer that is not a success, and `OFFLINE` where none came; the signal's reason
 */
export async function request<Body>(
  { baseUrl, fetch, headers }: Access,
  method: string,
  path: string,
  { body, signal }: { readonly body?: unknown; readonly signal: AbortSignal },
): Promise<Body> {
  const own = typeof headers === "function" ? await headers() : headers;
  const json = body === undefined ? {} : { "content-type": "application/json" };
  try {
    const response = await fetch(baseUrl + path, {
      method,
      signal,
      headers: { ...json, ...own },
      credentials: "include",
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw await problemOf(response);
    return await response.json();
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ComputeError
      ? error
      : new ComputeError("OFFLINE", "No answer.", { retryable: true });
  }
}

/** The error of an answer. One that is no problem of ours comes from something in between, such as a proxy. */
async function problemOf(response: Response): Promise<ComputeError> {
  const { status } = response;
  const problem: Partial<WireProblem> = await response.json().catch(() => ({}));
  return new ComputeError(
    problem.code ?? (status === 401 ? "UNAUTHORIZED" : "UNAVAILABLE"),
    problem.detail ?? `Status ${status}.`,
    { retryable: status > 499, retryAfterSeconds: retryAfter(response), ...problem, status },
  );
}

/** The `Retry-After` of an answer, in seconds: two where it names none. */
export function retryAfter({ headers }: Response): number {
  return Number(headers.get("retry-after")) || 2;
}
