import { AtlasError } from "../../errors.ts";

/** Names that only a private network resolves: a single word, and the suffixes set aside for it (RFC 6762, RFC 9476, Kubernetes). */
const PRIVATE_NAME = /^(?:[^.]+|.+\.(?:localhost|local|internal|lan|home\.arpa|svc|cluster\.local))$/;
/** Loopback, RFC 1918 and link-local; of IPv6 loopback and the unique local addresses (RFC 4193). */
const PRIVATE_ADDRESS =
  /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)[\d.]+$|^\[(?:::1|f[cd][\da-f]{2}:.*)\]$/;

/**
 * The URL to which tokens and the internal secret are sent.
 *
 * @throws `VALIDATION` unless it is https, or http that stays in a private network, without user, query or fragment.
 */
export function parseVerifyUrl(functionName: string, text: unknown): URL {
  const url = typeof text === "string" || text instanceof URL ? URL.parse(String(text)) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw refused(functionName, "an https URL");
  if (url.href !== url.origin + url.pathname)
    throw refused(functionName, "a URL without user, query and fragment, which end up in logs");
  if (url.protocol === "http:" && !isPrivate(url.hostname))
    throw refused(functionName, "an https URL: over http a secret may only go to a private host");
  return url;
}

function isPrivate(hostname: string): boolean {
  return PRIVATE_ADDRESS.test(hostname) || (!hostname.startsWith("[") && PRIVATE_NAME.test(hostname));
}

function refused(functionName: string, needed: string): AtlasError {
  return new AtlasError("VALIDATION", `${functionName} needs url to be ${needed}.`);
}
