/** Routes of pods: their reports, and the heartbeat that tells a guard its tokens and deadline. */
import { hashToken } from "../auth/index.ts";
import type { Compute } from "../compute.ts";
import type { Heartbeat, HeartbeatAnswer } from "../guard/life/heartbeat.ts";
import { defined } from "../internal/defined.ts";
import { redacted } from "../internal/redact.ts";
import type { ReportKind } from "../lifecycle/reports.ts";
import { json, noContent } from "./answer.ts";
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
  return async ({ plane, identity, body }) => {
    await plane.atlas.recordReport(identity.id, kind, withoutSecrets(body, identity));
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

const NAMED_SECRET =
  /\b(ATLAS_(?:PRESHARED_KEY|SIGNING_SECRET|POD_TOKEN)["']?[\t ]*[=:][\t ]*["']?)[^\s"',;]+/g;
const BEARER = /\b(bearer[\t ]+)[\x21-\x7e]+/gi;
const SIGNATURE = /([?&]sig=)[\w-]+/g;
const TOKEN = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/** Redacts the secrets that a program in a pod can print: its environment, and the credentials of requests. */
function withoutSecrets(report: object, { tokens }: Compute): Readonly<Record<string, unknown>> {
  const hashes = new Set(tokens.map(({ hash }) => hash));
  const clean = (text: string): string =>
    text
      .replace(NAMED_SECRET, `$1${redacted}`)
      .replace(BEARER, `$1${redacted}`)
      .replace(SIGNATURE, `$1${redacted}`)
      .replace(TOKEN, (word) => (hashes.has(hashToken(word)) ? redacted : word))
      .replaceAll("\0", "\uFFFD")
      .toWellFormed();
  return Object.fromEntries(Object.entries(report).map(([key, value]) => [key, mapText(value, clean)]));
}

function mapText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapText(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapText(item, change)]));
}
