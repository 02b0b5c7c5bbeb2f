import type { ComputeSnapshot } from "../compute-json.ts";
import type { WireToken } from "../wire.ts";
import { isLive, now, type SessionCore, take, update } from "./core.ts";
import { connect, follow, show } from "./follow.ts";
import { ask, keepToken, renew } from "./plane.ts";
import type { ComputeError } from "./request.ts";

/** An answer of the control plane that may carry a token. */
type Answer = ComputeSnapshot & { readonly auth?: Partial<WireToken> };

/** Finds the compute of the slot, where there is one. */
export function find(core: SessionCore): Promise<void> {
  return open(core);
}

/** Finds the compute of the slot; with a wish, spawns it where there is none. */
export async function open(core: SessionCore, wish?: unknown): Promise<void> {
  const body: string | undefined = JSON.stringify(wish);
  if (isLive(core)) return;
  if (body) core.facts = { beganAt: now(core) };
  follow(core);
  try {
    const { auth, ...facts } = await ask<Answer>(core, body ? "PUT" : "GET", core.path, body);
    take(core, { ...facts, ...(auth && { auth: { schemes: auth.schemes } }) });
    if (auth?.token) keepToken(core, auth.token);
  } catch (cause) {
    const error = cause as ComputeError;
    if (!body && error.status === 404) return update(core, { error: undefined });
    // A compute that came to its end meanwhile says more than the refusal.
    if (error.computeId) await show(core, "GET", `/computes/${error.computeId}`);
    if (error.computeId && core.facts.compute) connect(core);
    else update(core, { error });
    throw error;
  }
  follow(core);
  await renew(core, null);
}
