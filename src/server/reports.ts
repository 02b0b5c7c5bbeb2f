/** What pods report of themselves, and what a guard is answered. */
import { hashToken } from "../auth/index.ts";
import type { Compute } from "../compute.ts";
import type { Heartbeat, HeartbeatAnswer } from "../guard/life/heartbeat.ts";
import { redacted } from "../internal/redact.ts";
import type { ReportKind } from "../lifecycle/reports.ts";
import { json, noContent } from "./answer.ts";
import type { Call } from "./route.ts";

/** As many hashes as a guard takes at once. */
const MAX_HASHES = 100;

/** Records a sign of life, and tells the guard what the pod accepts from now on. */
export async function recordHeartbeat({ plane, identity, body }: Call<"pod", Heartbeat>): Promise<Response> {
  const compute = await plane.atlas.recordReport(identity.id, "heartbeat", { signs: body.signs });
  return json(200, answerTo(compute, plane.clock.now()));
}

/** Records a report of this kind. */
export function recorder(kind: ReportKind): (call: Call<"pod", object>) => Promise<Response> {
  return async ({ plane, identity, body }) => {
    await plane.atlas.recordReport(identity.id, kind, withoutSecrets(body, identity));
    return noContent();
  };
}

/** A pod that is to end is told that its deadline has come, so that it ends even where the provider does not. */
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
    ...(auth?.schemes.includes("bearer") ? { hashes } : {}),
    deadline: deadline?.toISOString() ?? null,
  };
}

const NAMED_SECRET =
  /\b(ATLAS_(?:PRESHARED_KEY|SIGNING_SECRET|POD_TOKEN)["']?[\t ]*[=:][\t ]*["']?)[^\s"',;]+/g;
const BEARER = /\b(bearer[\t ]+)[\x21-\x7e]+/gi;
const SIGNATURE = /([?&]sig=)[\w-]+/g;
const TOKEN = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/** A program in a pod prints what it likes: of its environment, and of the requests that came to it. None of that is kept. */
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
