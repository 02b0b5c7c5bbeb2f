/** The kinds of credentials that the control plane knows, and whom each of them names. Identity comes from here and from nowhere else. */
import { isEqualInConstantTime } from "../auth/constant-time.ts";
import type { Compute } from "../compute.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { bearerOf } from "../internal/bearer.ts";
import { failureOf } from "./answer.ts";
import type { ControlPlaneUser, Plane } from "./options.ts";

/** Whom a credential of each kind names. */
export interface Identities {
  readonly public: undefined;
  readonly user: ControlPlaneUser;
  readonly pod: Compute;
  readonly internal: undefined;
}

/** A kind of credential; every route has one. */
export type CredentialKind = keyof Identities;

/** How credentials of one kind are checked. */
export interface Credential<Identity> {
  /**
   * Whom the request's credential names.
   * @throws UNAUTHORIZED when it was rejected, and only then; STORE_UNAVAILABLE and others when nobody could say.
   */
  authenticate(plane: Plane, request: Request): Promise<Identity>;
  /** Whose requests these are, for rate limits. */
  nameOf(identity: Identity): string;
}

/** Every kind of credential. */
export const credentials: { readonly [Kind in CredentialKind]: Credential<Identities[Kind]> } = {
  public: { authenticate: async () => undefined, nameOf: () => "" },
  user: { authenticate: findUser, nameOf: ({ userId }) => userId },
  pod: { authenticate: findPod, nameOf: ({ id }) => id },
  internal: { authenticate: checkInternalSecret, nameOf: () => "" },
};

/** The error for a credential that was rejected. It says which one, and never why: a guesser learns nothing. */
export function rejected(credential: CredentialKind | "token", advice: string): AtlasError {
  return new AtlasError("UNAUTHORIZED", `The credential was rejected: ${advice}.`, {
    details: { credential },
  });
}

async function findUser(plane: Plane, request: Request): Promise<ControlPlaneUser> {
  refuseForgery(request);
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

/** Calls a function of the application's. @throws its AtlasErrors; UNAVAILABLE for everything else that it throws */
export async function callApplication<Result>(
  plane: Plane,
  what: string,
  call: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw isAtlasError(error) ? error : failureOf(plane, what, error);
  }
}

/**
 * Another site's page can make a browser send a form with the user's cookies, but not with an `Authorization` header of its choosing.
 * @throws FORBIDDEN
 */
function refuseForgery({ method, headers }: Request): void {
  const isForeign = headers.get("sec-fetch-site") === "cross-site" && !headers.has("authorization");
  if (isForeign && method !== "GET" && method !== "HEAD")
    throw new AtlasError("FORBIDDEN", "a page of another site may not do this in the user's name");
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
