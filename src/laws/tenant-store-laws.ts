/** The laws of a store that remembers clients of a shared control plane too. */
import { type ClientStoreUnderTest, clientLaws } from "./store/tenant-laws.ts";
import type { Runner } from "./store/harness.ts";

export type { ClientStoreUnderTest, StoreWithClients } from "./store/tenant-laws.ts";

/** Declares a test for every law of `ClientStore` in `runner`; `make` gives each of them a new, empty store. */
export function clientStoreLaws(
  runner: Runner,
  name: string,
  make: () => Promise<ClientStoreUnderTest>,
): void {
  runner.describe(`the laws of a store of clients: ${name}`, () => {
    clientLaws((law, body) => {
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
