/** The laws of a store that also keeps the tenants of a shared control plane. */

import type { Runner } from "./store/harness.ts";
import { type TenantStoreUnderTest, tenantLaws } from "./store/tenant-laws.ts";

export type { StoreWithTenants, TenantStoreUnderTest } from "./store/tenant-laws.ts";

/** Declares a test for every law of `TenantStore` in `runner`; `make` gives each of them a new, empty store. */
export function tenantStoreLaws(
  runner: Runner,
  name: string,
  make: () => Promise<TenantStoreUnderTest>,
): void {
  runner.describe(`the laws of a store of tenants: ${name}`, () => {
    tenantLaws((law, body) => {
      runner.it(law, async () => {
        const subject = await make();
        try {
          await body(subject);
        } finally {
          await subject.close();
        }
      });
    });
  });
}
