/**
 * The laws that every provider and every store keeps, to run on your own. They need `fast-check` beside this package, and
 * any test runner that has `describe` and `it`.
 *
 * @module
 */

export {
  type ExistingInstance,
  type FaultyOperation,
  type LawFault,
  type OptionalMethod,
  type ProviderTraits,
  type ProviderUnderTest,
  providerLaws,
} from "./provider-laws.ts";
export { type Runner, type StoreUnderTest, storeLaws } from "./store-laws.ts";
export { type StoreWithTenants, type TenantStoreUnderTest, tenantStoreLaws } from "./tenant-store-laws.ts";
