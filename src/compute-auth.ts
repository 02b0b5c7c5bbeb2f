/** The credentials of a compute, and their types by request. */
import { defined } from "./internal/defined.ts";
import type { ComputeSecrets } from "./lifecycle/spawn/secrets.ts";
import type { AuthInput } from "./request.ts";
import type { AuthScheme, ComputeRecord } from "./store.ts";

/**
 * The protection of a compute. Only the handle that `spawnCompute` returned has the secrets, and a handle on which `rotateToken` was called has
 * the new token. Secrets do not show in `JSON.stringify`, `console.log`, `console.dir` or a copy: pass them on by name.
 */
export interface ComputeAuth {
  /** The schemes that open the pod. */
  readonly schemes: readonly AuthScheme[];
  /** SHA-256 of the newest token but those that `addToken` made, lowercase hex: the application stores this one. */
  readonly hash?: string;
  /** The raw token. */
  readonly token?: string | undefined;
  /** `Authorization: Bearer <token>`: the whole header line. */
  readonly header?: string | undefined;
  /** `{ authorization: "Bearer <token>" }`: the `headers` of a `fetch`. */
  readonly headers?: BearerHeaders | undefined;
  /** The secret that signs URLs of this compute. */
  readonly signingSecret?: string | undefined;
}

/** Request headers that carry a bearer token. A type and not an interface, so that it fits a `Record<string, string>`. */
export type BearerHeaders = { readonly authorization: string };

/** The secrets of a compute that was spawned with the scheme `bearer`. */
export interface BearerSecrets {
  /** SHA-256 of the newest token, lowercase hex: the application stores this one. */
  readonly hash: string;
  /** The raw token. */
  readonly token: string;
  /** `Authorization: Bearer <token>`: the whole header line. */
  readonly header: string;
  /** `{ authorization: "Bearer <token>" }`: the `headers` of a `fetch`. */
  readonly headers: BearerHeaders;
}

/** The secret of a compute that was spawned with the scheme `signed-url` or `cookie`. */
export interface SigningSecrets {
  /** The secret that signs URLs of this compute. */
  readonly signingSecret: string;
}

/**
 * The type of `auth` on a handle that `spawnCompute` returned, by the request's `auth` and `idempotencyKey`: `undefined` for `"none"`; with the
 * secrets of every scheme that the request is certain to name; with optional secrets where the request has an idempotency key, because a
 * repeated call returns none.
 */
export type AuthOf<Auth extends AuthInput | undefined, Key extends string | undefined> = Auth extends "none"
  ? undefined
  : Auth extends readonly AuthScheme[]
    ? AuthWith<Auth, Key>
    : AuthWith<Auth extends AuthScheme ? readonly [Auth] : readonly ["bearer"], Key>;

type AuthWith<Schemes extends readonly AuthScheme[], Key extends string | undefined> = [Key] extends [
  undefined,
]
  ? ComputeAuth &
      (Names<Schemes, "bearer"> extends true ? BearerSecrets : unknown) &
      (Names<Schemes, "signed-url" | "cookie"> extends true ? SigningSecrets : unknown)
  : ComputeAuth;

/** True when one element of a tuple can only be this scheme. */
type Names<Schemes extends readonly AuthScheme[], Scheme extends AuthScheme> = Schemes extends readonly [
  infer First,
  ...infer Rest extends readonly AuthScheme[],
]
  ? [First] extends [Scheme]
    ? true
    : Names<Rest, Scheme>
  : false;

/** `util.inspect.custom` by its registered name, so that `node:util` need not be loaded. */
const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Shows `schemes` and `hash`. The secrets are getters of the prototype over a private field, which no inspection shows. */
class HeldAuth implements ComputeAuth {
  readonly schemes: readonly AuthScheme[];
  declare readonly hash?: string;
  readonly #secrets: ComputeSecrets;

  constructor({ authSchemes, tokens }: ComputeRecord, secrets: ComputeSecrets) {
    this.schemes = authSchemes;
    this.#secrets = secrets;
    Object.assign(
      this,
      defined({ hash: tokens.findLast(({ kind, isAdded }) => kind === "user" && !isAdded)?.hash }),
    );
  }

  /** Shows what a copy shows, also where an inspection is told to call getters. */
  [INSPECT](): unknown {
    return { ...this };
  }

  get token(): string | undefined {
    return this.#secrets.token;
  }

  get header(): string | undefined {
    return this.token && `Authorization: Bearer ${this.token}`;
  }

  get headers(): BearerHeaders | undefined {
    return this.token === undefined ? undefined : { authorization: `Bearer ${this.token}` };
  }

  get signingSecret(): string | undefined {
    return this.#secrets.signingSecret;
  }
}

/** Makes the `auth` of a handle; `undefined` when nothing protects the compute. */
export function computeAuth(record: ComputeRecord, secrets: ComputeSecrets): ComputeAuth | undefined {
  return record.authSchemes.length === 0 ? undefined : new HeldAuth(record, secrets);
}
