/** The credentials of tenants: created once, rotated with an overlap, revoked, recognised. */
import * as z from "zod/mini";
import { mintToken } from "../auth/index.ts";
import { hashToken } from "../auth/token.ts";
import { AtlasError } from "../errors.ts";
import { newComputeId } from "../internal/compute-id.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { isToken } from "../internal/token-shape.ts";
import type { TenantRecord, TenantSnapshot } from "../tenant-store.ts";
import { sealProviderKeys } from "./provider-keys.ts";
import { changeTenant, type Registry, type Tenant, toTenant, validCredentials } from "./registry.ts";

/** A tenant with its new credential, which is shown once. */
export interface NewCredential {
  readonly tenant: Tenant;
  /** The tenant sends it as `Authorization: Bearer …`: 32 random bytes, base64url. Only its hash is stored. */
  readonly credential: string;
}

/** Options of a new tenant. */
export interface CreateTenantOptions {
  /** The tenant's own provider keys, by provider. @default none */
  readonly providerKeys?: Readonly<Record<string, string>> | undefined;
}

/** Options of a rotation. */
export interface RotateTenantOptions {
  /** The seconds for which the old credentials stay valid beside the new one, 0 to 2592000 (30 days). @default 86400 */
  readonly overlapSeconds?: number | undefined;
}

/** The shortest time between two writes of `lastUsedAt`. */
const LAST_USED_SECONDS = 60;

const FIELDS = {
  name: field(
    z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)),
    "up to 63 of A-Z, a-z, 0-9, dot, dash and underscore, beginning with a letter or a digit",
  ),
  providerKeys: optional(
    field(z.record(z.string(), z.string()), "an object of keys by provider", { secret: true }),
  ),
};

const ROTATE_FIELDS = {
  overlapSeconds: optional(
    field(z.int().check(z.minimum(0), z.maximum(2_592_000)), "a whole number of seconds from 0 to 2592000"),
  ),
};

/** Registers a tenant. @throws VALIDATION, CONFLICT when the name is taken, KEY_UNAVAILABLE */
export async function createTenant(
  registry: Registry,
  name: string,
  options: CreateTenantOptions = {},
): Promise<NewCredential> {
  const { providerKeys = {} } = parseFields("A tenant", FIELDS, { ...options, name });
  const { store, namespace } = registry;
  const { token: credential, hash } = mintToken();
  const id = `c${newComputeId().slice(1)}`;
  const now = await store.now();
  const tenant: TenantRecord = {
    id,
    namespace,
    name,
    version: 1,
    createdAt: now,
    lastUsedAt: null,
    credentials: [{ hash, expiresAt: null }],
    providerKeys: sealProviderKeys(registry, id, providerKeys),
  };
  if (await store.insertTenant(tenant)) return { tenant: toTenant({ tenant, now }), credential };
  throw new AtlasError(
    "CONFLICT",
    `the tenant ${name} exists already: choose another name, or rotate its credential`,
  );
}

/** Creates a new credential, and limits the life of the old ones. A revoked tenant has access again. @throws NOT_FOUND */
export async function rotateCredential(
  registry: Registry,
  name: string,
  options: RotateTenantOptions = {},
): Promise<NewCredential> {
  const { overlapSeconds = 86_400 } = parseFields("The options of rotate", ROTATE_FIELDS, options);
  const { token: credential, hash } = mintToken();
  const tenant = await changeTenant(registry, name, (current, now) => {
    const end = new Date(now.getTime() + overlapSeconds * 1000);
    const old = validCredentials(current, now).map(({ hash: known, expiresAt }) => ({
      hash: known,
      expiresAt: expiresAt === null || expiresAt > end ? end : expiresAt,
    }));
    return { credentials: [...old, { hash, expiresAt: null }] };
  });
  return { tenant, credential };
}

/** Revokes every credential. The tenant's computes keep running, and the reaper keeps watching them. @throws NOT_FOUND */
export function revokeCredentials(registry: Registry, name: string): Promise<Tenant> {
  return changeTenant(registry, name, () => ({ credentials: [] }));
}

/** Finds the tenant of a credential. For any other candidate, of any type, the result is `undefined`. */
export async function recognise(
  { store, namespace }: Registry,
  candidate: unknown,
): Promise<TenantSnapshot | undefined> {
  if (!isToken(candidate)) return undefined;
  const found = await store.getTenantByHash(namespace, hashToken(candidate));
  if (found === undefined || wasRecordedLately(found)) return found;
  const { tenant, now } = found;
  const used = { ...tenant, lastUsedAt: now, version: tenant.version + 1 };
  // After a concurrent change of the tenant the next call records the use.
  await store.replaceTenant(used);
  return { tenant: used, now };
}

function wasRecordedLately({ tenant: { lastUsedAt }, now }: TenantSnapshot): boolean {
  return lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < LAST_USED_SECONDS * 1000;
}
