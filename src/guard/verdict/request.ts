/** The parts of a request that the guard reads, and its verdict: the same for every server. */

/** Path of a guarded pod that takes explicit heartbeats: POST, with the pod's credential. */
export const HEARTBEAT_PATH = "/.well-known/atlas/heartbeat";

/** The headers that the guard reads. */
export type GuardHeader =
  | "authorization"
  | "origin"
  | "upgrade"
  | "sec-websocket-protocol"
  | "access-control-request-method"
  | "access-control-request-headers";

/** A request as the server received it. */
export interface GuardRequest {
  readonly method: string;
  /** The path with its query, or the whole URL, exactly as received. */
  readonly url: string;
  /**
   * Returns the value of a header, or `undefined` when the client did not send it. Several values are joined by a comma, those
   * of `cookie` by a semicolon.
   */
  readonly header: (name: GuardHeader) => string | undefined;
  /** True when two servers could read this request in two ways: a second `Host`, for example. The guard refuses it. @default false */
  readonly isAmbiguous?: boolean | undefined;
}

/** The reason of a refusal: for logs and metrics, never for the caller. */
export type RefusalReason =
  | "unconfigured"
  | "missing"
  | "malformed"
  | "bad_token"
  | "bad_signature"
  | "expired";

/** Headers by lowercase name. */
export type HeaderMap = Readonly<Record<string, string>>;

/** An answer that the guard gives by itself. */
export interface GuardAnswer {
  readonly kind: "refused" | "preflight" | "readiness" | "heartbeat";
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
  /** Present only on a refusal. */
  readonly reason?: RefusalReason;
}

/** The kind of credential that admitted a request; `none` on a public path. */
export type GuardCredential = "none" | "bearer" | "subprotocol" | "signed-url";

/** A request that goes on to the server behind: without its `Authorization`, and with the URL and subprotocols given here. */
export interface GuardPass {
  readonly kind: "pass";
  readonly credential: GuardCredential;
  /** The path and query to pass on, without origin and signature. */
  readonly url: string;
  /** The `Sec-WebSocket-Protocol` to pass on, without the token; `undefined` when the header stays unchanged. */
  readonly subprotocols: string | undefined;
  /** Headers for the response. They replace every `access-control-*` of the server behind; `vary` is merged. */
  readonly headers: HeaderMap;
}

/** The guard's decision about a request: an answer of its own, or a pass. */
export type GuardVerdict = GuardAnswer | GuardPass;
