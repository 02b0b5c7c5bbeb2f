/** The secrets of one compute: minted once, told to the pod, kept nowhere. */
import { deriveSigningSecret, hashToken, mintSigningSecret, mintToken } from "../../auth/index.ts";
import type { AuthScheme, TokenHash } from "../../store.ts";

/** What `spawnCompute` mints for a compute. */
export interface ComputeSecrets {
  /** Opens the pod; the user's. */
  readonly token?: string;
  /** Signs URLs of the pod. */
  readonly signingSecret?: string;
  /** With which the pod itself calls the control plane. */
  readonly podToken?: string;
}

/** New secrets for these schemes; with a signing key the signing secret follows from it and the compute's id. */
export function mintSecrets(
  schemes: readonly AuthScheme[],
  computeId: string,
  {
    signingKey,
    controlUrl,
  }: { readonly signingKey: string | undefined; readonly controlUrl: string | undefined },
): ComputeSecrets {
  return {
    ...(schemes.includes("bearer") ? { token: mintToken().token } : {}),
    ...(schemes.includes("signed-url") ? { signingSecret: signingSecretOf(computeId, signingKey) } : {}),
    ...(controlUrl === undefined ? {} : { podToken: mintToken().token }),
  };
}

function signingSecretOf(computeId: string, signingKey: string | undefined): string {
  return signingKey === undefined ? mintSigningSecret() : deriveSigningSecret(signingKey, computeId);
}

/** The pod's environment variables that carry these secrets. */
export function secretsEnv({ token, signingSecret, podToken }: ComputeSecrets): Record<string, string> {
  return {
    ...(token === undefined ? {} : { ATLAS_PRESHARED_KEY: token }),
    ...(signingSecret === undefined ? {} : { ATLAS_SIGNING_SECRET: signingSecret }),
    ...(podToken === undefined ? {} : { ATLAS_POD_TOKEN: podToken }),
  };
}

/** What the store keeps of these secrets. */
export function tokenHashes({ token, podToken }: ComputeSecrets): readonly TokenHash[] {
  const tokens = [
    ["user", token],
    ["pod", podToken],
  ] as const;
  return tokens.flatMap(([kind, value]) =>
    value === undefined ? [] : [{ hash: hashToken(value), kind, expiresAt: null }],
  );
}
