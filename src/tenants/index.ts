/**
 * The tenants of a shared control plane: services that present a credential and spawn on provider keys of their own, which are encrypted at rest.
 *
 * @module
 */

export type { CreateTenantOptions, NewCredential, RotateTenantOptions } from "./credentials.ts";
export type { Handler, TenantsHandler } from "./handlers.ts";
export type { ProviderFactory, TenantsOptions } from "./options.ts";
export type { Tenant } from "./registry.ts";
export { createTenants, type Tenants } from "./tenants.ts";
