import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { isLive, now, pause, type SessionCore, take, tick, update } from "./core.ts";
import { follow } from "./follow.ts";
import { keepToken, renew, send } from "./plane.ts";
import { ComputeError } from "./request.ts";

/** An answer of the control plane that may carry a token. */
type Answer = ComputeSnapshot & { readonly auth?: Partial<WireToken> };

/** Finds the compute of the slot, where there is one. */
export async function find(core: SessionCore): Promise<void> {
  try {
    if (!isLive(core)) await ask(core, "GET");
  } catch (error) {
    const isMissing = error instanceof ComputeError && error.status === 404;
    update(core, {
      isOffline: false,
      error: error instanceof ComputeError && !isMissing ? error : undefined,
    });
    if (!isMissing) throw error;
  }
}

/** Finds or spawns the compute of the slot. */
export async function place(core: SessionCore, wish: unknown = {}): Promise<void> {
  if (isLive(core)) return;
  core.beganAt = now(core);
  core.facts = { isOpening: true };
  tick(core);
  follow(core);
  try {
    await ask(core, "PUT", wish);
  } catch (error) {
    update(core, error instanceof ComputeError ? { isRefused: true, error } : { isOpening: false });
    throw error;
  }
}

/** Sends the request for the slot's compute until it is answered. One whose answer was lost is repeated: the slot keeps it from spawning twice. */
async function ask(core: SessionCore, method: string, wish?: unknown): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await adopt(core, await send(core, method, core.path, wish));
    } catch (error) {
      if (!mayRepeat(error)) throw error;
      update(core, { isOffline: !error.status });
      await pause(core, error.retryAfterSeconds ?? Math.min(2 ** tries / 2, 10));
    }
  }
}

/** Takes the compute of the slot, and sees to a token for it. */
async function adopt(core: SessionCore, { auth, ...facts }: Answer): Promise<void> {
  const compute = auth ? { ...facts, auth: { schemes: auth.schemes } } : facts;
  if (auth?.token) keepToken(core, compute.id, auth.token);
  take(core, compute);
  follow(core);
  await renew(core, compute, null);
}

/** True for answers after which the same request may succeed, or finds what the first one made. */
function mayRepeat(error: unknown): error is ComputeError {
  if (!(error instanceof ComputeError)) return false;
  const { code, retryable } = error;
  return code === "UNCERTAIN" || (retryable === true && code !== "CAPACITY");
}
