/** What the guard reads of a request, and what it answers: the same for every server. */

/** The headers that the guard reads. */
export type GuardHeader =
  | "authorization"
  | "origin"
  | "upgrade"
  | "sec-websocket-protocol"
  | "access-control-request-method"
  | "access-control-request-headers";

/** A request as it came. */
export interface GuardRequest {
  readonly method: string;
  /** A path with its query, or a whole URL, exactly as received. */
  readonly url: string;
  /** A header's value; several values joined by a comma; `undefined` when it was not sent. */
  readonly header: (name: GuardHeader) => string | undefined;
}

/** Why a request was refused: for logs and metrics, never for the caller. */
export type RefusalReason =
  | "unconfigured"
  | "missing"
  | "malformed"
  | "bad_token"
  | "bad_signature"
  | "expired";

/** Headers by lowercase name. */
export type HeaderMap = Readonly<Record<string, string>>;

/** The guard answers the request itself. */
export interface Answer {
  readonly kind: "refused" | "preflight" | "readiness" | "heartbeat";
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
  /** Only of a refusal. */
  readonly reason?: RefusalReason;
}

/** By what a request was let through; `none` on a public path. */
export type Credential = "none" | "bearer" | "subprotocol" | "signed-url";

/** The request goes on, without its `Authorization` and with what stands here in place of what came. */
export interface Pass {
  readonly kind: "pass";
  readonly credential: Credential;
  /** Path and query to pass on: no origin, no signature. */
  readonly url: string;
  /** `Sec-WebSocket-Protocol` to pass on, without the token; `undefined` when it stays as it came. */
  readonly subprotocols: string | undefined;
  /** What the response has to carry. `access-control-*` of the server behind are dropped, `vary` is added. */
  readonly headers: HeaderMap;
}

/** What the guard makes of a request. */
export type Verdict = Answer | Pass;
