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
  declare readonly name: "ComputeError";
  /** A code of the closed list of `AtlasErrorCode`, or `OFFLINE` when no answer came. Branch on it. */
  readonly code: WireProblem["code"] | "OFFLINE";
  /** The HTTP status; absent when no answer came. */
  declare readonly status?: number;
  /** True when the same call may succeed later. */
  declare readonly retryable?: boolean;
  /** Seconds to wait before the next try. */
  declare readonly retryAfterSeconds?: number;

  constructor(code: ComputeError["code"], message: string, facts: ComputeErrorFacts = {}) {
    super(message);
    this.code = code;
    Object.assign(this, { name: "ComputeError", ...facts });
  }
}

/** The error of an answer. One that is no problem of ours comes from something in between, such as a proxy. */
export async function problemOf(response: Response): Promise<ComputeError> {
  const { status } = response;
  const problem = (await response.json().catch(() => ({}))) as Partial<WireProblem>;
  const { code = "UNAVAILABLE", detail = `Status ${status}`, retryable = status > 499 } = problem;
  return new ComputeError(code, detail, { status, retryable, retryAfterSeconds: retryAfter(response) });
}

/** The `Retry-After` of an answer, in seconds: two where it names none. */
export function retryAfter({ headers }: Response): number {
  return Number(headers.get("retry-after")) || 2;
}
