/** The configuration of the tenants of a shared control plane. */
import * as z from "zod/mini";
import { type AtlasOptions, toContext } from "../atlas-options.ts";
import { PROVIDER_NAME } from "../internal/names.ts";
import { callable, hasMethods } from "../internal/option-fields.ts";
import { field, optional, parseFields } from "../internal/parse.ts";
import { parseEncryptionKeys } from "../internal/sealed-key.ts";
import type { Context } from "../lifecycle/context.ts";
import type { Provider } from "../provider.ts";
import type { Store } from "../store.ts";
import type { TenantStore } from "../tenant-store.ts";
import type { Registry } from "./registry.ts";

/** Makes a provider on a tenant's own key. */
export type ProviderFactory = (apiKey: string) => Provider;

/** Options of `createTenants`. The options of `createAtlas` apply to each tenant separately. */
export interface TenantsOptions extends Omit<AtlasOptions, "providers" | "store"> {
  /** Remembers tenants and computes: `sqliteStore`, `postgresStore` or `memoryStore`. */
  readonly store: Store & TenantStore;
  /**
   * Factories that make a provider on a tenant's own key, by provider, in order of preference. A tenant gets only the providers
   * for which it has a key. When a provider needs more than a key, put everything into the key's text and parse it here.
   */
  readonly providers: Readonly<Record<string, ProviderFactory>>;
  /** Providers on the application's own keys, for callers that are not tenants. @default none: only tenants can spawn */
  readonly ownProviders?: readonly Provider[] | undefined;
  /** The key that seals provider keys: base64 of 32 bytes. Several, separated by commas, during a rotation: the first one seals. @default process.env.ATLAS_ENC_KEY */
  readonly encryptionKey?: string | undefined;
  /** `strict`: `authenticate` rejects a caller that is not a tenant. `recognise`: it returns `null`, and the application decides. @default "strict" */
  readonly mode?: "strict" | "recognise" | undefined;
}

/** The parsed configuration. */
export interface TenantsSettings {
  readonly registry: Registry;
  readonly factories: Readonly<Record<string, ProviderFactory>>;
  readonly isStrict: boolean;
  /** The context of the application itself. */
  readonly own: Context;
}

const FIELDS = {
  store: field(
    z.custom<Store & TenantStore>(hasMethods("getTenantByHash")),
    "a store that remembers tenants, such as sqliteStore(path)",
  ),
  providers: field(
    z.record(z.string().check(z.regex(PROVIDER_NAME)), callable<ProviderFactory>()),
    "an object of functions by provider, such as { runpod: (apiKey) => runpod({ apiKey }) }",
  ),
  mode: optional(field(z.enum(["strict", "recognise"]), '"strict" or "recognise"')),
};

/** Parses the options. @throws VALIDATION, KEY_UNAVAILABLE */
export function toSettings(options: TenantsOptions): TenantsSettings {
  const { store, providers, mode, ownProviders = [], encryptionKey, ...rest } = options;
  const given = parseFields("The options of createTenants", FIELDS, { store, providers, mode });
  const own = toContext({ ...rest, store, providers: ownProviders });
  const keys = parseEncryptionKeys(encryptionKey ?? process.env.ATLAS_ENC_KEY);
  return {
    registry: { store, namespace: own.namespace, clock: own.clock, encryptionKeys: () => keys },
    factories: given.providers,
    isStrict: given.mode !== "recognise",
    own,
  };
}
