/** Takes out of texts of a pod the secrets that its program may have printed: its environment, and the credentials of requests. */
import { mapText, redacted, redactor } from "./redact.ts";

const NAMED_SECRET =
  /\b(ATLAS_(?:PRESHARED_KEY|SIGNING_SECRET|POD_TOKEN)["']?[\t ]*[=:][\t ]*["']?)[^\s"',;]+/g;
const BEARER = /\b(bearer[\t ]+)[\x21-\x7e]+/gi;
const SIGNATURE = /([?&]sig=)[\w-]+/g;
const PREFIX_SIGNATURE = /(\/\.atlas\/[0-9]{1,16}\.[0-9]{1,2}\.)[\w-]+/g;
/** A word that may be a secret: 32 bytes in base64url. */
const WORD = /(?<![\w-])[\w-]{43}(?![\w-])/g;
/** The characters of such a word in hex or base64 again. */
const ENCODED_WORD = /(?<![\w+/-])(?:[0-9a-fA-F]{86}|[\w+/-]{58})(?![\w+/-])/g;
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
    withoutSecretWords(withoutKnown(text)).replaceAll("\0", "\uFFFD").toWellFormed();
  return Object.fromEntries(Object.entries(report).map(([key, value]) => [key, mapText(value, clean)]));
}

/** A text without every word that has the form of one of our secrets. */
export function withoutSecretWords(text: string): string {
  const ifSecret = (word: string): string =>
    readings(word).some((reading) => SECRET.test(reading)) ? redacted : word;
  return text
    .replace(NAMED_SECRET, `$1${redacted}`)
    .replace(BEARER, `$1${redacted}`)
    .replace(SIGNATURE, `$1${redacted}`)
    .replace(PREFIX_SIGNATURE, `$1${redacted}`)
    .replace(ENCODED_WORD, ifSecret)
    .replace(WORD, ifSecret);
}

function readings(word: string): readonly string[] {
  return [word, Buffer.from(word, "hex").toString("latin1"), Buffer.from(word, "base64").toString("latin1")];
}
