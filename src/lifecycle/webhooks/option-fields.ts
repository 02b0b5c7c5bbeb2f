/** Parsing the endpoints of webhooks. */
import * as z from "zod/mini";
import { field, optional, parseFields } from "../../internal/parse.ts";
import type { Webhook, WebhookEndpoint } from "./options.ts";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const SECRET = /^whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2,3}={0,2})?$/;
const TYPES = ["state", "report", "token", "note", "ending-soon"] as const;

const secret = z.string().check(z.regex(SECRET));

const FIELDS = {
  url: field(
    z.string().check(z.maxLength(2000), z.refine(isAllowed)),
    "an https URL without a user name, or an http one of this machine",
    { secret: true },
  ),
  secret: field(
    z.union([secret, z.array(secret).check(z.minLength(1), z.maxLength(4))]),
    '"whsec_" and the base64 of 24 to 64 bytes, or 1 to 4 such texts',
    { secret: true },
  ),
  events: optional(field(z.array(z.enum(TYPES)).check(z.minLength(1)), `a list of ${TYPES.join(", ")}`)),
};

/** Parses the endpoints. @throws VALIDATION */
export function parseWebhooks(given: readonly WebhookEndpoint[]): readonly Webhook[] {
  return given.map((endpoint, index) => {
    const parsed = parseFields(`The options of webhooks[${index}]`, FIELDS, endpoint);
    return {
      url: parsed.url,
      secrets: [parsed.secret].flat(),
      events: new Set(parsed.events ?? ["state", "ending-soon"]),
    };
  });
}

/** A message is signed, not sealed: over plain http it stays on this machine. */
function isAllowed(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
}
