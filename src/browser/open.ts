import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { begin, isOver, pause, type SessionCore, take, update } from "./core.ts";
import { keepToken, renew, send, tokenOf } from "./plane.ts";
import { ComputeError } from "./request.ts";

/** An answer of the control plane that may carry a token. */
type Answer = ComputeSnapshot & { readonly auth?: Partial<WireToken> };

/** Finds the compute of the slot. @returns false when there is none */
export async function find(core: SessionCore, signal?: AbortSignal): Promise<boolean> {
  if (!isOver(core)) return true;
  const found = await send<Answer>(core, "GET", core.path, undefined, signal).catch((error: unknown) => {
    if (!(error instanceof ComputeError)) throw error;
    if (error.status === 404) return undefined;
    update(core, { error });
    throw error;
  });
  if (found) await adopt(core, found);
  return found !== undefined;
}

/** Finds or spawns the compute of the slot. A request whose answer was lost is repeated: the slot keeps it from spawning twice. */
export async function place(core: SessionCore, wish: unknown = {}, signal?: AbortSignal): Promise<void> {
  if (!isOver(core)) return;
  begin(core);
  core.follow();
  for (let tries = 0; ; tries += 1) {
    try {
      return await adopt(core, await send(core, "PUT", core.path, wish, signal));
    } catch (error) {
      if (!mayRepeat(error)) {
        update(core, error instanceof ComputeError ? { isRefused: true, error } : { isOpening: false });
        throw error;
      }
      update(core, { isOffline: !error.status });
      await pause(core, error.retryAfterSeconds ?? Math.min(2 ** tries / 2, 10));
    }
  }
}

/** Takes the compute of the slot, and sees to a token for it. */
async function adopt(core: SessionCore, { auth, ...facts }: Answer): Promise<void> {
  const compute = auth ? { ...facts, auth: { schemes: auth.schemes } } : facts;
  if (auth?.token) keepToken(core, compute.id, auth.token);
  else if (!tokenOf(core, compute.id)) await renew(core, compute);
  take(core, compute);
  core.follow();
}

/** True for answers after which the same request may succeed, or finds what the first one made. */
function mayRepeat(error: unknown): error is ComputeError {
  if (!(error instanceof ComputeError)) return false;
  const { code, retryable } = error;
  return code === "UNCERTAIN" || (retryable === true && !/^(CAPACITY|LIMIT_EXCEEDED)$/.test(code));
}
