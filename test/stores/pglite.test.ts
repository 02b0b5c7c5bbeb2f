import { PGlite } from "@electric-sql/pglite";
import { afterAll, describe, it } from "vitest";
import { manualClock } from "../../src/providers/mock/manual-clock.ts";
import { postgresStore } from "../../src/stores/postgres.ts";
import { type ClientStoreUnderTest, clientStoreLaws } from "../laws/client-store-laws.ts";
import { storeLaws } from "../laws/store-laws.ts";

const client = await PGlite.create();
let schemas = 0;

afterAll(() => client.close());

async function make(): Promise<ClientStoreUnderTest> {
  schemas += 1;
  const clock = manualClock();
  const options = { clock, schema: `laws_${schemas}` };
  const stores = [postgresStore(client, options), postgresStore(client, options)] as const;
  await stores[0].migrate();
  return {
    store: stores[0],
    second: async () => stores[1],
    advance: (seconds) => clock.advance(seconds),
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}

storeLaws({ describe, it }, "PGlite", make);
clientStoreLaws({ describe, it }, "PGlite", make);
