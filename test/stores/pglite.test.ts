import { PGlite } from "@electric-sql/pglite";
import { afterAll, describe, it } from "vitest";
import { storeLaws } from "../../src/laws/store-laws.ts";
import { type TenantStoreUnderTest, tenantStoreLaws } from "../../src/laws/tenant-store-laws.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { twoHandles } from "./two-handles.ts";

const client = await PGlite.create();
let schemas = 0;

afterAll(() => client.close());

function make(): Promise<TenantStoreUnderTest> {
  schemas += 1;
  const schema = `laws_${schemas}`;
  return twoHandles((clock) => postgresStore(client, { clock, schema }));
}

storeLaws({ describe, it }, "PGlite", make);
tenantStoreLaws({ describe, it }, "PGlite", make);
