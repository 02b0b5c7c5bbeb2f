/** The table of routes: credential, body, rate and handler of each. */
import { noBody } from "./body.ts";
import {
  createCompute,
  endCompute,
  followEvents,
  inputBody,
  listComputes,
  showCompute,
  touchCompute,
} from "./computes.ts";
import { reap, showHealth, verifyBody, verifyToken } from "./internal.ts";
import { addToken, openBody, openInTab, signUrl, signUrlBody } from "./links.ts";
import { extendBody, extendCompute, startCompute, stopCompute } from "./power.ts";
import type { Rate } from "./rate-limiter.ts";
import { reportBodies } from "./report-bodies.ts";
import { recorder, recordHeartbeat } from "./reports.ts";
import { type Route, route } from "./route.ts";
import { putSlot, showSlot } from "./slots.ts";

/** The rate of a user's reads: a page that polls each second leaves room for others. */
const READS: Rate = { perMinute: 600, burst: 300 };
/** The rate of a user's changes. */
const CHANGES: Rate = { perMinute: 60, burst: 60 };
/** The rate of a user's spawns. Limits on how many run at once belong to `limits` of `createAtlas`. */
const SPAWNS: Rate = { perMinute: 20, burst: 20 };
/** The rate of a user's further tokens. */
const TOKENS: Rate = { perMinute: 10, burst: 10 };

/** Every route. A guard sends at most one heartbeat a minute; the rates leave room for restarts and for a pod's own reporters. */
export const routes: readonly Route[] = [
  route({ method: "GET", path: "/health", credential: "public", body: noBody, handle: showHealth }),

  route({
    method: "POST",
    path: "/computes",
    credential: "user",
    body: inputBody,
    rate: SPAWNS,
    handle: createCompute,
  }),
  route({
    method: "GET",
    path: "/computes",
    credential: "user",
    body: noBody,
    rate: READS,
    handle: listComputes,
  }),
  route({
    method: "GET",
    path: "/computes/:id",
    credential: "user",
    body: noBody,
    rate: READS,
    handle: showCompute,
  }),
  route({
    method: "DELETE",
    path: "/computes/:id",
    credential: "user",
    body: noBody,
    rate: CHANGES,
    handle: endCompute,
  }),
  route({
    method: "POST",
    path: "/computes/:id/touch",
    credential: "user",
    body: noBody,
    rate: CHANGES,
    handle: touchCompute,
  }),
  route({
    method: "POST",
    path: "/computes/:id/extend",
    credential: "user",
    body: extendBody,
    rate: CHANGES,
    handle: extendCompute,
  }),
  route({
    method: "POST",
    path: "/computes/:id/stop",
    credential: "user",
    body: noBody,
    rate: CHANGES,
    handle: stopCompute,
  }),
  route({
    method: "POST",
    path: "/computes/:id/start",
    credential: "user",
    body: noBody,
    rate: CHANGES,
    handle: startCompute,
  }),
  route({
    method: "GET",
    path: "/computes/:id/events",
    credential: "user",
    body: noBody,
    rate: CHANGES,
    head: false,
    handle: followEvents,
  }),
  route({
    method: "POST",
    path: "/computes/:id/signed-url",
    credential: "user",
    body: signUrlBody,
    rate: READS,
    handle: signUrl,
  }),
  route({
    method: "POST",
    path: "/computes/:id/open",
    credential: "user",
    body: openBody,
    rate: CHANGES,
    handle: openInTab,
  }),
  route({
    method: "POST",
    path: "/computes/:id/token",
    credential: "user",
    body: noBody,
    rate: TOKENS,
    handle: addToken,
  }),

  route({
    method: "PUT",
    path: "/slots/:slot",
    credential: "user",
    body: inputBody,
    rate: CHANGES,
    handle: putSlot,
  }),
  route({
    method: "GET",
    path: "/slots/:slot",
    credential: "user",
    body: noBody,
    rate: READS,
    handle: showSlot,
  }),

  route({
    method: "POST",
    path: "/pod/heartbeat",
    credential: "pod",
    body: reportBodies.heartbeat,
    rate: { perMinute: 60, burst: 60 },
    handle: recordHeartbeat,
  }),
  route({
    method: "POST",
    path: "/pod/status",
    credential: "pod",
    body: reportBodies.status,
    rate: { perMinute: 12, burst: 20 },
    handle: recorder("status"),
  }),
  route({
    method: "POST",
    path: "/pod/gpu-health",
    credential: "pod",
    body: reportBodies["gpu-health"],
    rate: { perMinute: 6, burst: 10 },
    handle: recorder("gpu-health"),
  }),
  route({
    method: "POST",
    path: "/pod/metrics",
    credential: "pod",
    body: reportBodies.metrics,
    rate: { perMinute: 6, burst: 10 },
    handle: recorder("metrics"),
  }),
  route({
    method: "POST",
    path: "/pod/logs",
    credential: "pod",
    body: reportBodies.logs,
    rate: { perMinute: 6, burst: 20 },
    handle: recorder("logs"),
  }),

  route({
    method: "POST",
    path: "/internal/verify",
    credential: "internal",
    body: verifyBody,
    handle: verifyToken,
  }),
  route({
    method: "GET",
    path: "/internal/reap",
    credential: "internal",
    body: noBody,
    head: false,
    handle: reap,
  }),
  route({ method: "POST", path: "/internal/reap", credential: "internal", body: noBody, handle: reap }),
];
