/** The parts of a request that the guard reads, and its verdict: the same for every server. */

/** Path of a guarded pod that takes explicit heartbeats: POST, with the pod's credential. */
export const HEARTBEAT_PATH = "/.well-known/atlas/heartbeat";

/** The headers that the guard reads. */
export type GuardHeader =
  | "authorization"
  | "cookie"
  | "host"
  | "origin"
  | "referer"
  | "sec-fetch-dest"
  | "sec-fetch-mode"
  | "sec-fetch-site"
  | "sec-purpose"
  | "service-worker"
  | "upgrade"
  | "x-http-method"
  | "x-http-method-override"
  | "x-method-override"
  | "x-original-uri"
  | "x-original-url"
  | "x-rewrite-url"
  | "x-script-name"
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

/**
 * The reason of a refusal: for logs and metrics, never for the caller. `not_allowed`: the credential is genuine, and does not allow this
 * method or this use. `rejected`: the control plane no longer knows this pod.
 */
export type RefusalReason =
  | "unconfigured"
  | "missing"
  | "malformed"
  | "bad_token"
  | "bad_signature"
  | "expired"
  | "not_allowed"
  | "rejected";

/** Headers by lowercase name. */
export type HeaderMap = Readonly<Record<string, string>>;

/** Changes of headers by lowercase name: a new value, or `undefined` to remove the header. */
export type HeaderEdits = Readonly<Record<string, string | undefined>>;

/** An answer that the guard gives by itself. */
export interface GuardAnswer {
  readonly kind: "refused" | "unavailable" | "preflight" | "readiness" | "heartbeat" | "opened";
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
  /** Present only on a refusal. */
  readonly reason?: RefusalReason;
}

/** The kind of credential that admitted a request; `none` on a public path. */
export type GuardCredential = "none" | "bearer" | "subprotocol" | "signed-url" | "prefix" | "cookie";

/** The folder that a prefix-signed URL opens. */
export interface OpenedFolder {
  /** The part of the path that is the credential: `/.atlas/…`, without a slash at its end. */
  readonly credential: string;
  /** The folder, with a slash at both ends. */
  readonly prefix: string;
  /** The host of the request, whose absolute URLs lead to this pod; absent where the request named none. */
  readonly host: string | undefined;
}

/** A request that goes on to the server behind, without its credential, and the rules for the answer of that server. */
export interface GuardPass {
  readonly kind: "pass";
  readonly credential: GuardCredential;
  /** The path and query to pass on, without origin and credential. */
  readonly url: string;
  /** The changes that take every credential out of the request's headers. */
  readonly requestHeaders: HeaderEdits;
  /** Headers for the response. They replace every `access-control-*` of the server behind; `vary` is merged. */
  readonly headers: HeaderMap;
  /** The names of the pod's own cookies, which the server behind may not set. */
  readonly cookieNames: readonly string[];
  /** Present only where the credential is `prefix`. */
  readonly folder?: OpenedFolder;
}

/** The guard's decision about a request: an answer of its own, or a pass. */
export type GuardVerdict = GuardAnswer | GuardPass;

/**
 * A decision that waits for the control plane: the request carries a token that the list does not have, and that may be newer than the list.
 * Without an answer, `unavailable` is the verdict.
 */
export interface GuardQuestion {
  readonly kind: "question";
  /** SHA-256 of the token, in hex. */
  readonly digest: string;
  readonly refusal: GuardAnswer;
  /** The answer when the control plane says nothing in time. */
  readonly unavailable: GuardAnswer;
}
