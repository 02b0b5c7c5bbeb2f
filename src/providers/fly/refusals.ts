/** Reads Fly's refusals. */
import type { AtlasErrorCode } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { HttpRequest } from "../../internal/http.ts";
import type { Classification, HttpRefusal } from "../../internal/http-errors.ts";
import { redact } from "../../internal/redact.ts";
import { errorBody } from "./wire.ts";

/** Fly's own codes, in the field `status` of an error. */
const BY_CODE: Readonly<Record<string, AtlasErrorCode>> = {
  insufficient_capacity: "CAPACITY",
  volume_placement_capacity: "CAPACITY",
  name_taken: "CONFLICT",
};

interface Phrase {
  readonly status: number;
  readonly text: RegExp;
  readonly code: AtlasErrorCode;
}

/** A limit of the organization: `machine limit reached`, `over its limit of 50 machines`. */
const LIMIT = /\b(?:machine|app|volume)s? limit\b|\blimit of \d+ (?:machine|app|volume)s?\b/i;

/** Phrases of errors for which Fly has no code. Sources: fly-go's error texts, and refusals in public bug reports. */
const BY_PHRASE: readonly Phrase[] = [
  { status: 409, text: /unique machine name violation/, code: "CONFLICT" },
  { status: 409, text: /could not reserve resource/i, code: "CAPACITY" },
  { status: 409, text: /insufficient (?:cpus|memory|ips|resources) available/i, code: "CAPACITY" },
  { status: 409, text: /deploys to this host are temporarily disabled/i, code: "CAPACITY" },
  { status: 409, text: /governor policy blocked start/i, code: "CAPACITY" },
  { status: 409, text: /no capacity\s*$/i, code: "CAPACITY" },
  {
    status: 412,
    text: /insufficient resources to create new machine with existing volume/i,
    code: "CAPACITY",
  },
  { status: 422, text: /could not find a candidate host/i, code: "CAPACITY" },
  { status: 400, text: /\bno capacity\b/i, code: "CAPACITY" },
  { status: 422, text: /\bno capacity\b/i, code: "CAPACITY" },
  { status: 403, text: LIMIT, code: "QUOTA" },
  { status: 422, text: LIMIT, code: "QUOTA" },
  { status: 403, text: /over the allowed quota/i, code: "QUOTA" },
  { status: 422, text: /add a payment method/i, code: "BILLING" },
  { status: 422, text: /name has already been taken/i, code: "CONFLICT" },
  { status: 412, text: /./, code: "CONFLICT" },
];

const HOLDER_OF_NAME = /unique machine name violation, machine ID ([0-9a-z]+) already exists/;

/** Verdicts that count only in Fly's own form, with an `error`: gateways in between answer these statuses too, also as JSON. */
const NEED_ERROR = new Set([403, 404]);

/**
 * Classifies a refusal: by Fly's own code where it has one, else by its phrase together with its status. The text of a server error
 * never decides. `providerId` is the machine that already has the name.
 */
export function classifyRefusal(
  refusal: HttpRefusal,
  { idempotent, secrets }: HttpRequest,
): Classification | undefined {
  if (refusal.status >= 500) return undefined;
  const { error: text, status } = errorBody.safeParse(refusal.json).data ?? {};
  if (NEED_ERROR.has(refusal.status) && !text) return { code: "PROVIDER" };
  // Values that Fly quotes from the request are no words of Fly's.
  const error = redact(text ?? "", secrets);
  const hasCode = status != null && status !== "" && status !== "unknown";
  const code = hasCode ? BY_CODE[status] : byPhrase(refusal.status, error);
  if (code === undefined) return undefined;
  const holder = code === "CONFLICT" ? HOLDER_OF_NAME.exec(error)?.[1] : undefined;
  return defined({ code, mayHaveCreated: idempotent ? undefined : false, providerId: holder });
}

function byPhrase(status: number, error: string): AtlasErrorCode | undefined {
  return BY_PHRASE.find((phrase) => phrase.status === status && phrase.text.test(error))?.code;
}
