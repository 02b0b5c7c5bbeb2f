/** What a tenant proves itself with: made once, exchanged with an overlap, taken back, recognised. */
import * as z from "zod/mini";
import { mintToken } from "../auth/index.ts";
import { hashToken, isToken } from "../auth/token.ts";
import { AtlasError } from "../errors.ts";
import { newComputeId } from "../internal/names.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import type { TenantRecord, TenantSnapshot } from "../tenant-store.ts";
import { sealProviderKeys } from "./provider-keys.ts";
import { changeTenant, type Registry, type Tenant, toTenant, validCredentials } from "./registry.ts";

/** A tenant with its new credential, told once. */
export interface NewCredential {
  readonly tenant: Tenant;
  /** What the tenant sends as `Authorization: Bearer …`: 32 random bytes, base64url. Only its hash is stored. */
  readonly credential: string;
}

/** What a tenant begins with. */
export interface CreateTenantOptions {
  /** Its own keys, by provider. @default none */
  readonly providerKeys?: Readonly<Record<string, string>> | undefined;
}

/** How a credential is exchanged. */
export interface RotateTenantOptions {
  /** How long the old credentials stay valid beside the new one, 0 to 2592000 (30 days). @default 86400 */
  readonly overlapSeconds?: number | undefined;
}

/** `lastUsedAt` is written no more often than that. */
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
    ...{ id, namespace, name, version: 1, createdAt: now, lastUsedAt: null },
    credentials: [{ hash, expiresAt: null }],
    providerKeys: sealProviderKeys(registry, id, providerKeys),
  };
  if (await store.insertTenant(tenant)) return { tenant: toTenant({ tenant, now }), credential };
  throw new AtlasError(
    "CONFLICT",
    `there is a tenant ${name} already: choose another name, or rotate its credential`,
  );
}

/** Makes a new credential, and lets the old ones run out. It also lets a revoked tenant in again. @throws NOT_FOUND */
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

/** Takes back every credential. What the tenant runs goes on, and is reaped, until somebody ends it. @throws NOT_FOUND */
export function revokeCredentials(registry: Registry, name: string): Promise<Tenant> {
  return changeTenant(registry, name, () => ({ credentials: [] }));
}

/** The tenant that this credential belongs to; any candidate that is no such credential belongs to nobody. */
export async function recognise(
  { store, namespace }: Registry,
  candidate: unknown,
): Promise<TenantSnapshot | undefined> {
  if (!isToken(candidate)) return undefined;
  const found = await store.getTenantByHash(namespace, hashToken(candidate));
  if (found === undefined || wasNotedLately(found)) return found;
  const { tenant, now } = found;
  const used = { ...tenant, lastUsedAt: now, version: tenant.version + 1 };
  // Where somebody else changed it meanwhile, the next call notes the use.
  await store.replaceTenant(used);
  return { tenant: used, now };
}

function wasNotedLately({ tenant: { lastUsedAt }, now }: TenantSnapshot): boolean {
  return lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < LAST_USED_SECONDS * 1000;
}
