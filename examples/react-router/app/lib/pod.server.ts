/** The pod that a user gets: this application decides it, never the browser. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SpawnRequest } from "atlas-compute";

const PROGRAM = join(process.cwd(), "pod/server.mjs");

export function podRequest(): SpawnRequest {
  const lifetime = Number(process.env.LIFETIME_SECONDS ?? 3600);
  return {
    ...(process.env.RUNPOD_API_KEY ? onRunpod() : { command: [process.execPath, PROGRAM] }),
    ports: [8000],
    auth: ["bearer", "signed-url", "cookie"],
    idleTimeoutSeconds: Number(process.env.IDLE_SECONDS ?? 900),
    maxLifetimeSeconds: lifetime,
    maxExtendedLifetimeSeconds: 4 * lifetime,
  };
}

/** A plain Node image, to which the program goes along as text. With an image of your own, `image` is all. */
function onRunpod(): SpawnRequest {
  const start =
    'cd /tmp && npm install --silent atlas-compute && exec node --input-type=module --eval "$PROGRAM"';
  return {
    gpu: "any",
    image: process.env.POD_IMAGE ?? "node:24-slim",
    command: ["sh", "-c", start],
    env: { PORT: "8000", HOST: "0.0.0.0", PROGRAM: readFileSync(PROGRAM, "utf8") },
  };
}
