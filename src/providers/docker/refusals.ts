/** Reads the daemon's refusals. */
import type { AtlasErrorCode } from "../../errors.ts";
import { defined } from "../../internal/defined.ts";
import type { HttpRequest } from "../../internal/http.ts";
import type { Classification, HttpRefusal } from "../../internal/http-errors.ts";
import { errorBody } from "./wire.ts";

interface Phrase {
  readonly text: RegExp;
  readonly code: AtlasErrorCode;
}

/**
 * Phrases of refusals whose status says something else, or too little. Sources: answers of the Engine 20.10 and 26.1. All of them mean that
 * the request changed nothing.
 */
const PHRASES: readonly Phrase[] = [
  { text: /could not select device driver/i, code: "CAPACITY" },
  { text: /CDI device injection failed|unresolvable CDI devices/i, code: "CAPACITY" },
  { text: /nvidia-container-cli: device error|unknown device/i, code: "CAPACITY" },
  { text: /no space left on device/i, code: "CAPACITY" },
  { text: /port is already allocated|address already in use/i, code: "CAPACITY" },
  { text: /cannot assign requested address/i, code: "VALIDATION" },
  { text: /--storage-opt is supported only|storage-opt is not supported/i, code: "UNSUPPORTED" },
  { text: /unknown or invalid runtime name/i, code: "VALIDATION" },
  { text: /network \S+ not found/i, code: "VALIDATION" },
  {
    text: /executable file not found|no such file or directory: unknown|permission denied: unknown/i,
    code: "VALIDATION",
  },
];

const HOLDER_OF_NAME = /is already in use by container "?([0-9a-f]{12,64})/;

/** The daemon's word for a thing that does not exist. A proxy in front of it, and an API of another version, answer 404 in the same form. */
const ABSENT = /no such /i;

/** Classifies a refusal by its phrase. `providerId` is the container that already has the name. */
export function classifyRefusal(
  { status, json }: HttpRefusal,
  { method, idempotent }: HttpRequest,
): Classification | undefined {
  const { message } = errorBody.safeParse(json).data ?? {};
  if (status === 404 && method !== "POST" && !ABSENT.test(message ?? "")) return { code: "PROVIDER" };
  if (message === undefined) return undefined;
  const holder = status === 409 ? HOLDER_OF_NAME.exec(message)?.[1] : undefined;
  const code = holder === undefined ? PHRASES.find(({ text }) => text.test(message))?.code : "CONFLICT";
  if (code === undefined) return undefined;
  return defined({ code, mayHaveCreated: idempotent ? undefined : false, providerId: holder });
}
