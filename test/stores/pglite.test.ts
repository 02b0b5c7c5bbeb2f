import { PGlite } from "@electric-sql/pglite";
import { afterAll, describe, it } from "vitest";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { type ClientStoreUnderTest, clientStoreLaws } from "../../src/laws/tenant-store-laws.ts";
import { storeLaws } from "../../src/laws/store-laws.ts";
import { twoHandles } from "./two-handles.ts";

const client = await PGlite.create();
let schemas = 0;

afterAll(() => client.close());

function make(): Promise<ClientStoreUnderTest> {
  schemas += 1;
  const schema = `laws_${schemas}`;
  return twoHandles((clock) => postgresStore(client, { clock, schema }));
}

storeLaws({ describe, it }, "PGlite", make);
clientStoreLaws({ describe, it }, "PGlite", make);
