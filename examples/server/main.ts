/** Runs the application on node:http: pods are processes of this machine, and an SQLite file records the computes. */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createAtlas } from "atlas-compute";
import { local } from "atlas-compute/local";
import { sqliteStore } from "atlas-compute/sqlite";
import { createApplication, MOUNT, OPERATOR } from "./application.ts";

const port = Number(process.env.PORT ?? 3000);
const url = `http://127.0.0.1:${port}`;
const folder = join(tmpdir(), "atlas-compute-example");
const internalSecret = process.env.INTERNAL_SECRET ?? randomBytes(32).toString("base64url");

mkdirSync(folder, { recursive: true });
const atlas = createAtlas({
  providers: [local()],
  store: sqliteStore(join(folder, "atlas.db")),
  namespace: "exampleserver",
  limits: { computesPerUser: 2 },
  signingKey: process.env.ATLAS_SIGNING_KEY ?? randomBytes(32).toString("base64url"),
  controlUrl: `${url}${MOUNT}`,
});
const reaper = atlas.startReaper({ everySeconds: 10 });
const app = createApplication({ atlas, internalSecret });

const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () =>
  console.log(`
Sign in, spawn, and follow the events:

  curl -c jar -X POST '${url}/sign-in?user=ada'
  curl -b jar -H 'Origin: ${url}' -X POST ${url}${MOUNT}/computes   # the answer has the pod's URL and its token
  curl -b jar ${url}${MOUNT}/computes
  curl -b jar -N ${url}${MOUNT}/computes/<id>/events
  curl -H 'Authorization: Bearer <token>' <the pod's URL>
  curl -b jar -H 'Origin: ${url}' -X DELETE ${url}${MOUNT}/computes/<id>

Operators sign in at ${url}/ and see every pod at ${url}${OPERATOR}

A cron calls:

  curl -H 'Authorization: Bearer ${internalSecret}' ${url}${MOUNT}/internal/reap

Ctrl-C ends the pods, too.
`),
);

process.once("SIGINT", async () => {
  server.close();
  await reaper.stop();
  for await (const { id } of atlas.listComputes({ status: ["provisioning", "running", "stopped"] }))
    await atlas.terminate(id);
  await atlas.close();
  process.exit(0);
});
