/** How Fly is told who we are. */
import { AtlasError } from "../../errors.ts";

/** What leads to the account: read at each request, so that a missing one is told by the call that needs it. */
export interface Credentials {
  /** @throws VALIDATION when there is none. */
  readonly authorization: () => string;
  /** The organization's slug. @throws VALIDATION when there is none. */
  readonly org: () => string;
}

/** Credentials as the factory got them, else from the environment. */
export function credentials(given: {
  readonly apiKey?: string | undefined;
  readonly org?: string | undefined;
}): Credentials {
  return {
    authorization: () =>
      toAuthorization(given.apiKey ?? fromEnvironment("FLY_API_TOKEN", "apiKey", "an API token")),
    org: () => given.org ?? fromEnvironment("FLY_ORG", "org", "an organization's slug"),
  };
}

function fromEnvironment(variable: string, option: string, what: string): string {
  const value = process.env[variable]?.trim() ?? "";
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new AtlasError("VALIDATION", `fly() needs ${what}: pass the option ${option}, or set ${variable}`, {
    provider: "fly",
    mayHaveCreated: false,
  });
}

const PASTED_SCHEMES = /^(?:(?:bearer|flyv1)\s+)+/i;
const MACAROON = /(?:^|,)fm(?:1r|1a|2)_/;

/** The Authorization header for a token as people paste it, with or without a scheme before it. */
export function toAuthorization(pasted: string): string {
  const token = pasted.trim().replace(PASTED_SCHEMES, "");
  return `${MACAROON.test(token) ? "FlyV1" : "Bearer"} ${token}`;
}
