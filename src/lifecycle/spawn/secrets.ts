/** The secrets of one compute: minted once, passed to the pod, stored nowhere. */
import { deriveSigningSecret, hashToken, mintSigningSecret, mintToken } from "../../auth/index.ts";
import { signingKeyId } from "../../auth/signed-url/secret.ts";
import { defined } from "../../internal/defined.ts";
import type { AuthScheme, TokenHash } from "../../store.ts";
import type { Context } from "../context.ts";

/** The secrets that `spawnCompute` mints for a compute. */
export interface ComputeSecrets {
  /** The user's token, which opens the pod. */
  readonly token?: string;
  /** Signs URLs of the pod. */
  readonly signingSecret?: string;
  /** The pod's own credential for the control plane. */
  readonly podToken?: string;
}

/** Mints the secrets for these schemes. With a signing key, the signing secret is derived from it and the compute's id. */
export function mintSecrets(
  schemes: readonly AuthScheme[],
  computeId: string,
  { signingKeys, controlUrl }: Pick<Context, "signingKeys" | "controlUrl">,
): ComputeSecrets {
  const [signingKey] = signingKeys;
  return defined({
    token: schemes.includes("bearer") ? mintToken().token : undefined,
    signingSecret: hasSigning(schemes) ? signingSecretOf(computeId, signingKey) : undefined,
    podToken: controlUrl === undefined ? undefined : mintToken().token,
  });
}

/** The fingerprint of the key from which {@link mintSecrets} derives; null where it derives nothing. */
export function signingKeyIdOf(
  schemes: readonly AuthScheme[],
  { signingKeys: [signingKey] }: Pick<Context, "signingKeys">,
): string | null {
  return hasSigning(schemes) && signingKey !== undefined ? signingKeyId(signingKey) : null;
}

function hasSigning(schemes: readonly AuthScheme[]): boolean {
  return schemes.includes("signed-url") || schemes.includes("cookie");
}

function signingSecretOf(computeId: string, signingKey: string | undefined): string {
  return signingKey === undefined ? mintSigningSecret() : deriveSigningSecret(signingKey, computeId);
}

/** The pod's environment variables that carry these secrets. */
export function secretsEnv({ token, signingSecret, podToken }: ComputeSecrets): Record<string, string> {
  return defined({
    ATLAS_PRESHARED_KEY: token,
    ATLAS_SIGNING_SECRET: signingSecret,
    ATLAS_POD_TOKEN: podToken,
  });
}

/** The hashes of these secrets, for the store. */
export function tokenHashes({ token, podToken }: ComputeSecrets): readonly TokenHash[] {
  const tokens = [
    ["user", token],
    ["pod", podToken],
  ] as const;
  return tokens.flatMap(([kind, value]) =>
    value === undefined ? [] : [{ hash: hashToken(value), kind, expiresAt: null }],
  );
}
