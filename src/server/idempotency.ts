/** The header `Idempotency-Key`: a browser that repeats a request gets what the first one made. */
import { createHash, randomUUID } from "node:crypto";
import { AtlasError } from "../errors.ts";
import { canonicalJson } from "../internal/json.ts";
import { RouteRefusal } from "./answer.ts";
import type { RouteCall } from "./route.ts";

const KEPT_SECONDS = 86_400;

/** The key that the header names, without the quotes around it; `undefined` without a header. @throws VALIDATION */
export function idempotencyKeyOf({ headers }: Request): string | undefined {
  const given = headers.get("idempotency-key");
  if (given === null) return undefined;
  const key = /^"(.*)"$/s.exec(given)?.[1] ?? given;
  if (/^[!-~]{1,255}$/.test(key)) return key;
  const message =
    "Idempotency-Key has to be one value of 1 to 255 visible ASCII characters without a space, such as a UUID.";
  throw new RouteRefusal(400, new AtlasError("VALIDATION", message));
}

/**
 * The key under which to spawn for this header: the same one for the same user, route and body, for 24 hours. The client's namespace keeps tenants
 * apart. Only hashes of the header and of the body are stored.
 * @throws CONFLICT when the user sent the header with another body
 */
export async function spawnKeyOf(
  { plane, identity, body }: RouteCall<"user", unknown>,
  key: string,
): Promise<string> {
  const name = sha256(canonicalJson([identity.userId, "POST /computes", key]));
  const wish = sha256(body === undefined ? "" : textOf(body));
  const kept = await plane.atlas.remember(name, `${wish} ${randomUUID()}`, KEPT_SECONDS);
  const [keptWish, spawnKey] = kept.split(" ");
  if (keptWish === wish) return `header-${spawnKey}`;
  throw new AtlasError(
    "CONFLICT",
    "This Idempotency-Key was used with another body in the last 24 hours: use a new key.",
  );
}

/** The body's one text. @throws VALIDATION for a body that is nested more deeply than it can be compared */
function textOf(body: unknown): string {
  try {
    return canonicalJson(body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message =
      "The body is nested too deeply to be compared under an Idempotency-Key: send it without one.";
    throw new RouteRefusal(400, new AtlasError("VALIDATION", message));
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
