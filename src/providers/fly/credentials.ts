/** The credentials of an account at Fly. */
import { AtlasError } from "../../errors.ts";

/** The token and the organization. Each request reads them, so that the call that needs a missing one throws. */
export interface Credentials {
  /** @throws VALIDATION when it is missing. */
  readonly authorization: () => string;
  /** The organization's slug. @throws VALIDATION when it is missing. */
  readonly org: () => string;
}

/** Credentials from the factory's options, else from the environment. */
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

function fromEnvironment(variable: string, option: string, noun: string): string {
  const value = process.env[variable]?.trim() ?? "";
  if (/^[\x20-\x7e]+$/.test(value)) return value;
  throw new AtlasError("VALIDATION", `fly() needs ${noun}: pass the option ${option}, or set ${variable}`, {
    provider: "fly",
    mayHaveCreated: false,
  });
}

const PASTED_SCHEMES = /^(?:(?:bearer|flyv1)\s+)+/i;
const MACAROON = /(?:^|,)fm(?:1r|1a|2)_/;

/** The Authorization header for a token that was pasted with or without a scheme in front. */
export function toAuthorization(pasted: string): string {
  const token = pasted.trim().replace(PASTED_SCHEMES, "");
  return `${MACAROON.test(token) ? "FlyV1" : "Bearer"} ${token}`;
}
