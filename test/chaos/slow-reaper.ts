/** A process that reaps once and tells of every end it asks for: `slow-reaper.ts <connection string> <lease seconds>`. */
import pg from "pg";
import { createAtlas } from "../../src/index.ts";
import { postgresStore } from "../../src/stores/postgres/index.ts";
import { fastTimeOption } from "./fast-time.ts";
import { slowProvider } from "./slow-provider.ts";

const [connectionString = "", leaseSeconds = ""] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString, options: fastTimeOption });
const provider = slowProvider(50, (name) => process.send?.(name));
const timing = { leaseSeconds: Number(leaseSeconds) };
process.on("disconnect", () => process.exit());
await createAtlas({ providers: [provider], store: postgresStore(pool), timing }).reap({ limit: 1000 });
await pool.end();
process.disconnect?.();
