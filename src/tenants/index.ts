/**
 * The clients of a shared control plane: services that present a credential and spawn on provider keys of their own, which are encrypted at rest.
 *
 * @module
 */
export { type Clients, createClients, type Handler } from "./tenants.ts";
export type { CreateClientOptions, NewCredential, RotateClientOptions } from "./credentials.ts";
export type { ClientsOptions, ProviderFactory } from "./options.ts";
export type { Client } from "./registry.ts";
