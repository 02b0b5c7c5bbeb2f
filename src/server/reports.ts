/** Routes of pods: their reports, and the heartbeat that tells a guard its tokens and deadline. */
import type { Compute } from "../compute.ts";
import type { Heartbeat, HeartbeatAnswer } from "../guard/life/heartbeat.ts";
import { bearerOf } from "../internal/bearer.ts";
import { defined } from "../internal/defined.ts";
import type { ReportKind } from "../lifecycle/reports.ts";
import { json, noContent } from "./answer.ts";
import { withoutPrintedSecrets } from "./printed-secrets.ts";
import type { RouteCall } from "./route.ts";

/** The most hashes that a guard takes at once. */
const MAX_HASHES = 100;

/** Records a sign of life, and responds with the hashes and the deadline that hold from now on. */
export async function recordHeartbeat({
  plane,
  identity,
  body,
}: RouteCall<"pod", Heartbeat>): Promise<Response> {
  const compute = await plane.atlas.recordReport(identity.id, "heartbeat", { signs: body.signs });
  return json(200, answerTo(compute, plane.clock.now()));
}

/** Handles reports of one kind. */
export function recorder(kind: ReportKind): (call: RouteCall<"pod", object>) => Promise<Response> {
  return async ({ plane, request, identity, body }) => {
    await plane.atlas.recordReport(identity.id, kind, withoutPrintedSecrets(body, bearerOf(request)));
    return noContent();
  };
}

/** A terminating pod receives a deadline of now, so that it ends itself even if the provider fails to end it. */
function answerTo(compute: Compute, now: Date): HeartbeatAnswer {
  const { status, auth, tokens, lifetimeDeadline } = compute;
  const isEnding = status === "terminating" || status === "terminated" || status === "failed";
  const valid = tokens.filter(({ expiresAt }) => !isEnding && (expiresAt === null || expiresAt > now));
  const hashes = valid.slice(-MAX_HASHES).map(({ hash, expiresAt }) => ({
    hash,
    expiresAt: expiresAt?.toISOString() ?? null,
  }));
  const deadline = isEnding ? now : lifetimeDeadline;
  return {
    ...defined({ hashes: auth?.schemes.includes("bearer") ? hashes : undefined }),
    deadline: deadline?.toISOString() ?? null,
  };
}
