/** What the workers ask for. */
import type { SpawnRequest } from "../../src/request.ts";
import { USER_VARIABLE } from "./peak-watch.ts";
import type { Random } from "./random.ts";

const GPUS: readonly SpawnRequest["gpu"][] = [
  undefined,
  "rtx-4090",
  "rtx-4090",
  ["l40s", "rtx-4090"],
  ["h100", "rtx-4090"],
];
const USERS = 40;

/** A request for a compute. */
export function randomRequest(random: Random): SpawnRequest {
  const userId = `user-${random.below(USERS)}`;
  const gpu = random.pick(GPUS);
  const seconds = [null, null, null, 40, 300] as const;
  return {
    ...(gpu === undefined ? {} : { gpu }),
    image: "ghcr.io/me/server:1",
    ports: [8000, "22/tcp"],
    auth: random.pick<NonNullable<SpawnRequest["auth"]>>(["bearer", "signed-url", ["bearer", "signed-url"]]),
    userId,
    env: {
      [USER_VARIABLE]: userId,
      SECRET: `secret-${Array.from({ length: 4 }, () => random.below(1e9)).join("-")}`,
    },
    idleTimeoutSeconds: random.pick(seconds),
    maxLifetimeSeconds: random.pick(seconds),
    regions: random.chance(0.2) ? ["EU-RO-1", "US-TX-3"] : [],
    providerOptions: { runpod: { cloud: random.pick(["SECURE", "ANY"]) } },
  };
}
