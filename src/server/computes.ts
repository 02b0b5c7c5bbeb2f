/** Routes of a signed-in user, each for that user's own computes only. */
import { createHash } from "node:crypto";
import * as z from "zod/mini";
import type { Compute } from "../compute.ts";
import type { ComputeAuth } from "../compute-auth.ts";
import { AtlasError, isAtlasError } from "../errors.ts";
import { defined } from "../internal/defined.ts";
import { describe, field, optional, parseFields } from "../internal/parse.ts";
import type { SpawnRequest } from "../request.ts";
import { type ComputeEvent, isLive, liveStatuses } from "../store.ts";
import { json, noContent, RouteRefusal, streamed } from "./answer.ts";
import type { BodyRule } from "./body.ts";
import { callApplication } from "./credentials.ts";
import { eventStream } from "./event-stream.ts";
import { idempotencyKeyOf, spawnKeyOf } from "./idempotency.ts";
import type { ControlPlaneUser, Plane } from "./options.ts";
import { acceptedOrigin } from "./origins.ts";
import type { RouteCall } from "./route.ts";
import { toldAsOurs } from "./told-error.ts";

/** A call of a signed-in user. */
export type UserCall<Body = undefined> = RouteCall<"user", Body>;

/** The browser's input: any JSON, because only the application knows its meaning. */
export const inputBody: BodyRule<unknown> = { maxBytes: 16_384, parse: (input) => input };

/** Spawns the compute that the application requests for the browser's input. No other response ever contains the token. */
export async function createCompute(call: UserCall<unknown>): Promise<Response> {
  const { plane, identity } = call;
  const header = idempotencyKeyOf(call.request);
  const request = await requestOf(call);
  const own = ownKey(identity, request.idempotencyKey);
  const idempotencyKey = own === undefined && header !== undefined ? await spawnKeyOf(call, header) : own;
  const wish = { ...request, userId: identity.userId, idempotencyKey };
  const compute = await placed(plane, plane.atlas.spawnCompute(wish));
  return spawned(compute, `computes/${compute.id}`);
}

/** The spawn request that the application makes of the browser's input. Without `origins` in it, the page that asks may call the pod. */
export async function requestOf(call: UserCall<unknown>): Promise<SpawnRequest> {
  const { plane, identity, body } = call;
  const request = await callApplication(plane, "request", async () =>
    requireRequest(await plane.request(identity, body)),
  );
  const origin = acceptedOrigin(plane, call.request);
  return { ...defined({ origins: origin === undefined ? undefined : [origin] }), ...request };
}

/** Waits for a compute that was asked for with the application's request. The user cannot mend a request that is not valid: the log names it. */
export async function placed<Placed>(plane: Plane, placing: Promise<Placed>): Promise<Placed> {
  try {
    return await placing;
  } catch (error) {
    if (!isAtlasError(error) || error.code !== "VALIDATION") throw error;
    throw new RouteRefusal(undefined, toldAsOurs(plane, error));
  }
}

/** The response with a compute and, where this call spawned it, its secrets. */
export function spawned(compute: Compute, location: string): Response {
  const { isNew, auth } = compute;
  const secrets = auth === undefined ? {} : { auth: spelledOut(auth) };
  return json(isNew ? 201 : 200, { ...compute.snapshot(), ...secrets }, { location });
}

/** A user's computes, newest first. */
export async function listComputes({ plane, request, identity }: UserCall): Promise<Response> {
  const { limit, ...query } = parseFields("The query", QUERY_FIELDS, queryOf(request));
  const { computes, nextCursor } = await plane.atlas.listComputes({
    ...query,
    ...defined({ limit: limit === undefined ? undefined : Number(limit) }),
    userId: identity.userId,
  });
  return json(200, { computes: computes.map((compute) => compute.snapshot()), nextCursor });
}

/** One compute, with the latest reports of its pod. */
export async function showCompute(call: UserCall): Promise<Response> {
  const compute = await ownCompute(call);
  return json(200, { ...compute.snapshot(), reports: compute.reports });
}

/** Ends a compute: 200 when its instance is gone, 202 while the provider still shows it. */
export async function endCompute(call: UserCall): Promise<Response> {
  const { id } = await ownCompute(call);
  const compute = await call.plane.atlas.terminate(id);
  return json(isLive(compute.status) ? 202 : 200, compute.snapshot());
}

/** Records that the user is active. */
export async function touchCompute(call: UserCall): Promise<Response> {
  const { id } = await ownCompute(call);
  return json(200, (await call.plane.atlas.touch(id)).snapshot());
}

/**
 * Streams a compute's events from the beginning, or after the `Last-Event-ID` that the browser sends. The response is 204 when no more
 * events can follow, because that stops an `EventSource` from reconnecting.
 */
export async function followEvents(call: UserCall): Promise<Response> {
  const { plane, request, identity } = call;
  const { id, status } = await ownCompute(call);
  const after = request.headers.get("last-event-id") || undefined;
  const isAllRead = await isEmpty(plane.atlas.events(id, { after, follow: false }));
  if (isAllRead && !isLive(status)) return noContent();
  const over = plane.streams.open(identity.userId);
  const follow = (signal: AbortSignal): AsyncIterable<ComputeEvent> =>
    plane.atlas.events(id, { after, signal });
  return streamed(eventStream(plane, { signal: request.signal, over, follow }), {
    isLast: plane.streams.isClosed,
  });
}

/** True when there is no item. The iteration ends at the first one, and lets go of what it holds. */
async function isEmpty(items: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of items) return false;
  return true;
}

/** The compute that the path names. @throws NOT_FOUND also for a compute of another user */
export async function ownCompute({ plane, id, identity }: UserCall<unknown>): Promise<Compute> {
  const compute = await plane.atlas.getCompute(id).catch((error: unknown) => {
    if (isAtlasError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  if (compute?.userId === identity.userId) return compute;
  throw new AtlasError("NOT_FOUND", `there is no compute ${describe(id)}`);
}

/** The key within this user's own scope, so that equal keys of two users never meet. An invalid key stays as it is, for `spawnCompute` to refuse. */
function ownKey({ userId }: ControlPlaneUser, key: string | undefined): string | undefined {
  if (typeof key !== "string" || key === "") return key;
  return `user-${createHash("sha256")
    .update(JSON.stringify([userId, key]))
    .digest("hex")}`;
}

/** Refuses a missing request, which must not become a compute with every default. */
function requireRequest(request: SpawnRequest): SpawnRequest {
  if (typeof request === "object" && request !== null) return request;
  throw new TypeError(`request returned ${request === null ? "null" : typeof request}, not a spawn request`);
}

/** The token by name, because the getters of `ComputeAuth` do not appear in JSON. The signing secret stays here: its holder could sign whatever is revoked. */
function spelledOut({ schemes, hash, token }: ComputeAuth): ComputeAuth {
  return { schemes, ...defined({ token, hash }) };
}

const QUERY_FIELDS = {
  limit: optional(field(z.string().check(z.regex(/^[0-9]{1,4}$/)), "a whole number from 1 to 1000")),
  cursor: optional(field(z.string(), "the nextCursor of a page")),
  provider: optional(field(z.string(), "a provider's name")),
  status: optional(
    field(
      z.array(z.enum([...liveStatuses, "terminated", "failed"])),
      `${[...liveStatuses].join(", ")}, terminated or failed, once or several times`,
    ),
  ),
};

function queryOf(request: Request): Readonly<Record<string, unknown>> {
  const { searchParams } = new URL(request.url);
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const values = searchParams.getAll(name);
      return [name, name === "status" || values.length > 1 ? values : values[0]];
    }),
  );
}
