/** Takes out of a pod's report the secrets that its program may have printed: its environment, and the credentials of requests. */
import { mapText, redacted, redactor } from "../internal/redact.ts";

const NAMED_SECRET =
  /\b(ATLAS_(?:PRESHARED_KEY|SIGNING_SECRET|POD_TOKEN)["']?[\t ]*[=:][\t ]*["']?)[^\s"',;]+/g;
const BEARER = /\b(bearer[\t ]+)[\x21-\x7e]+/gi;
const SIGNATURE = /([?&]sig=)[\w-]+/g;
const PREFIX_SIGNATURE = /(\/\.atlas\/[0-9]{1,16}\.[0-9]{1,2}\.)[\w-]+/g;
/** A word that may be a secret: 32 bytes in base64url, or these characters in hex or base64 again. */
const WORD = /(?<![\w+/-])(?:[\w-]{43}|[0-9a-fA-F]{86}|[\w+/-]{58})(?![\w+/-])/g;
/** Of 32 random bytes, one text in five billion has no capital letter. Names of metrics have none. */
const SECRET = /^(?=.*[A-Z])(?=.*[a-z])[\w-]{43}$/;

/**
 * A copy of a report without secrets. The user's token and the signing secret are known here by their form alone, so every word of that form is taken
 * out; `podToken` is known, and found in every spelling.
 */
export function withoutPrintedSecrets(
  report: object,
  podToken: string | undefined,
): Readonly<Record<string, unknown>> {
  const withoutKnown = redactor(podToken === undefined ? [] : [podToken]);
  const clean = (text: string): string =>
    withoutKnown(text)
      .replace(NAMED_SECRET, `$1${redacted}`)
      .replace(BEARER, `$1${redacted}`)
      .replace(SIGNATURE, `$1${redacted}`)
      .replace(PREFIX_SIGNATURE, `$1${redacted}`)
      .replace(WORD, (word) => (readings(word).some((text) => SECRET.test(text)) ? redacted : word))
      .replaceAll("\0", "\uFFFD")
      .toWellFormed();
  return Object.fromEntries(Object.entries(report).map(([key, value]) => [key, mapText(value, clean)]));
}

function readings(word: string): readonly string[] {
  return [word, Buffer.from(word, "hex").toString("latin1"), Buffer.from(word, "base64").toString("latin1")];
}
