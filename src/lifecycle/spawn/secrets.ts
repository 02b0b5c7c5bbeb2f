/** The secrets of one compute: minted once, passed to the pod, stored nowhere. */
import { deriveSigningSecret, hashToken, mintSigningSecret, mintToken } from "../../auth/index.ts";
import { defined } from "../../internal/defined.ts";
import type { AuthScheme, TokenHash } from "../../store.ts";

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
  {
    signingKey,
    controlUrl,
  }: { readonly signingKey: string | undefined; readonly controlUrl: string | undefined },
): ComputeSecrets {
  return defined({
    token: schemes.includes("bearer") ? mintToken().token : undefined,
    signingSecret: schemes.includes("signed-url") ? signingSecretOf(computeId, signingKey) : undefined,
    podToken: controlUrl === undefined ? undefined : mintToken().token,
  });
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
