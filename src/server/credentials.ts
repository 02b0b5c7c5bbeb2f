/** The kinds of credentials of the control plane, and the identity that each proves. No other module decides about an identity. */
import { isEqualInConstantTime } from "../auth/constant-time.ts";
import type { Compute } from "../compute.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
import { failureOf, RouteRefusal } from "./answer.ts";
import type { ControlPlaneUser, Plane } from "./options.ts";

/** The identity that a credential of each kind proves. */
export interface Identities {
  readonly public: undefined;
  readonly user: ControlPlaneUser;
  readonly pod: Compute;
  readonly internal: undefined;
}

/** A kind of credential; every route has one. */
export type CredentialKind = keyof Identities;

/** The check of one kind of credential. */
export interface CredentialCheck<Identity> {
  /**
   * Returns the identity that the request's credential proves.
   * @throws UNAUTHORIZED only when the credential was rejected; STORE_UNAVAILABLE and others when the check itself failed
   */
  authenticate(plane: Plane, request: Request): Promise<Identity>;
  /** Returns the name that rate limits count under. */
  nameOf(identity: Identity): string;
  /** True for a credential that a browser may add to the request of a page of another site. */
  readonly isForgeable: boolean;
}

/** Every kind of credential. */
export const credentials: { readonly [Kind in CredentialKind]: CredentialCheck<Identities[Kind]> } = {
  public: { authenticate: async () => undefined, nameOf: () => "", isForgeable: false },
  user: { authenticate: findUser, nameOf: ({ userId }) => userId, isForgeable: true },
  pod: { authenticate: findPod, nameOf: ({ id }) => id, isForgeable: false },
  internal: { authenticate: checkInternalSecret, nameOf: () => "", isForgeable: false },
};

/** The error for a rejected credential. It names the kind and never the reason, so that an attacker learns nothing. */
export function rejected(credential: CredentialKind | "token", advice: string): AtlasError {
  return new AtlasError("UNAUTHORIZED", `The credential was rejected: ${advice}.`, {
    details: { credential },
  });
}

async function findUser(plane: Plane, request: Request): Promise<ControlPlaneUser> {
  const user = await callApplication(plane, "authorize", () => plane.authorize(request));
  if (user === null || user === undefined) throw rejected("user", "sign in to the application");
  if (isUser(user)) return user;
  throw failureOf(
    plane,
    "authorize",
    new TypeError("authorize named a user without a userId of 1 to 200 characters"),
  );
}

function isUser({ userId }: Partial<ControlPlaneUser>): boolean {
  return typeof userId === "string" && /^\P{Cc}{1,200}$/u.test(userId);
}

/** Calls a function of the application. @throws RouteRefusal with its AtlasErrors, which pass unchanged; UNAVAILABLE for any other error */
export async function callApplication<Result>(
  plane: Plane,
  what: string,
  call: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw isAtlasError(error) ? new RouteRefusal(undefined, error) : failureOf(plane, what, error);
  }
}

async function findPod({ atlas }: Plane, request: Request): Promise<Compute> {
  const token = bearerOf(request);
  const compute = token && (await atlas.findByPodToken(token));
  if (compute) return compute;
  throw rejected(
    "pod",
    "present the ATLAS_POD_TOKEN of a compute that has not ended, as Authorization: Bearer",
  );
}

async function checkInternalSecret({ internalSecrets }: Plane, request: Request): Promise<undefined> {
  if (internalSecrets.length === 0)
    throw new AtlasError("KEY_UNAVAILABLE", "/internal is closed: set internalSecret in createControlPlane");
  const candidate = request.headers.get("x-internal-secret") ?? bearerOf(request) ?? "";
  const matches = internalSecrets.map((secret) => isEqualInConstantTime(candidate, secret));
  if (!matches.includes(true))
    throw rejected(
      "internal",
      "present the internal secret as X-Internal-Secret or as Authorization: Bearer",
    );
}
