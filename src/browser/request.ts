import type { Clock } from "../clock.ts";
import type { WireProblem } from "../wire.ts";
import type { TokenStorage } from "./tokens.ts";

/** Headers of the page's own, such as a credential of its session: an object, or a function that makes one for each request. */
export type ComputeClientHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** The page's way to its control plane. */
export interface Access {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly headers: ComputeClientHeaders | undefined;
  /** True where an `EventSource` may follow events: it sends cookies, and neither headers nor another `fetch`. */
  readonly mayStream: boolean;
  readonly clock: Clock;
  readonly storage: TokenStorage;
}

/** The facts of a {@link ComputeError}. */
export interface ComputeErrorFacts {
  /** The HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  /** True when the same call may succeed later. */
  readonly retryable?: boolean | undefined;
  /** Seconds to wait before the next try. */
  readonly retryAfterSeconds?: number | undefined;
  /** The id of the compute that the failure concerns. */
  readonly computeId?: string | undefined;
}

/** A refusal of the control plane or of the pod, by `code`. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor sets exactly these facts, and their comments show on hover.
export class ComputeError extends Error {
  declare readonly name: "ComputeError";
  /** A code of the closed list of `AtlasErrorCode`, or `OFFLINE` when no answer came. Branch on it. */
  declare readonly code: WireProblem["code"] | "OFFLINE";

  constructor(code: ComputeError["code"], message: string, facts?: ComputeErrorFacts) {
    super(message);
    Object.assign(this, { name: "ComputeError", code, ...facts });
  }
}

/** The facts of a refusal, beside its code and its message. */
export interface ComputeError extends ComputeErrorFacts {}

/** The JSON of an answer; empty where it has none. */
export function bodyOf<Body>(response: Response): Promise<Partial<Body>> {
  return response.json().catch(() => ({})) as Promise<Partial<Body>>;
}

/** The error of an answer. One that is no problem of ours comes from something in between, such as a proxy. */
export async function problemOf(response: Response): Promise<ComputeError> {
  const { status } = response;
  const {
    code = "UNAVAILABLE",
    detail = `Status ${status}`,
    retryable = status > 499,
    computeId,
  } = await bodyOf<WireProblem>(response);
  const retryAfterSeconds = retryAfter(response);
  return new ComputeError(code, detail, { status, retryable, retryAfterSeconds, computeId });
}

/** The `Retry-After` of an answer, in seconds: two where it names none. */
export function retryAfter({ headers }: Response): number {
  return Number(headers.get("retry-after")) || 2;
}
