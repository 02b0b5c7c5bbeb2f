/** One process of an application that asks for the computes of slots until it is killed. */
import { isAtlasError } from "../../src/errors.ts";
import { connectClient } from "./client.ts";
import { USER_VARIABLE } from "./peak-watch.ts";
import { Random } from "./random.ts";
import type { WorkerSettings } from "./settings.ts";
import type { SlotAnswer } from "./slots.ts";

const settings: WorkerSettings & { readonly users: number } = JSON.parse(process.argv[2] ?? "");
const { atlas } = connectClient(settings, settings.name, { limits: {} });
const ACTORS = 8;

async function ask(userId: string): Promise<SlotAnswer> {
  const begunAt = performance.timeOrigin + performance.now();
  const endedAt = (): number => performance.timeOrigin + performance.now();
  try {
    const { id, isNew, createdAt } = await atlas.getOrSpawn({
      ...{ userId, image: "ghcr.io/me/server:1", ports: [8000], env: { [USER_VARIABLE]: userId } },
      ...{ idleTimeoutSeconds: null, maxLifetimeSeconds: null },
    });
    return { userId, id, isNew, createdAt: createdAt.getTime(), begunAt, endedAt: endedAt() };
  } catch (error) {
    const code = isAtlasError(error) ? error.code : String(error);
    return { userId, code, begunAt, endedAt: endedAt() };
  }
}

async function act(actor: number): Promise<never> {
  const random = new Random(settings.seed, settings.name, actor);
  for (;;) process.send?.(await ask(`user-${random.below(settings.users)}`));
}

process.on("disconnect", () => process.exit());
await Promise.all(Array.from({ length: ACTORS }, (_, actor) => act(actor)));
