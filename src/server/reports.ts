/** Routes of pods: their reports, and the heartbeat that tells a guard its tokens and deadline. */
import type { Heartbeat } from "../guard/life/heartbeat.ts";
import { bearerOf } from "../internal/bearer.ts";
import { withoutPrintedSecrets } from "../internal/printed-secrets.ts";
import type { ReportKind } from "../lifecycle/reports.ts";
import { json, noContent } from "./answer.ts";
import type { Rate } from "./rate-limiter.ts";
import { limit, type RouteCall } from "./route.ts";

/** A guard sends at most one heartbeat with signs a minute; the rate leaves room for restarts. */
const HEARTBEAT_RATE: Rate = { perMinute: 6, burst: 10 };
/** A guard asks about tokens that it does not know at most once in two seconds. */
const QUESTION_RATE: Rate = { perMinute: 40, burst: 20 };

/** Records a sign of life, where there is one, and responds with the hashes, the generation and the deadline that hold from now on. */
export async function recordHeartbeat({
  plane,
  identity,
  body,
}: RouteCall<"pod", Heartbeat>): Promise<Response> {
  const isQuestion = body.signs.length === 0;
  const kind = isQuestion ? "question" : "heartbeat";
  limit(plane, `${kind} ${identity.id}`, isQuestion ? QUESTION_RATE : HEARTBEAT_RATE);
  return json(200, await identity.heartbeat(body.signs));
}

/** Handles reports of one kind. */
export function recorder(kind: ReportKind): (call: RouteCall<"pod", object>) => Promise<Response> {
  return async ({ plane, request, identity, body }) => {
    await plane.atlas.recordReport(identity.id, kind, withoutPrintedSecrets(body, bearerOf(request)));
    return noContent();
  };
}
