import { isPrivateHost } from "../../internal/addresses.ts";
import { invalid } from "../../internal/parse.ts";

const ALLOWED =
  "an https URL, or an http URL of a private host, without user, query and fragment, which end up in logs";

/**
 * Parses the URL to which tokens and the internal secret are sent.
 *
 * @param what - The options that it is one of, for the error. The error does not show the URL.
 * @throws `VALIDATION` unless it is https, or http that stays in a private network, without user, query or fragment.
 */
export function parseVerifyUrl(what: string, given: string | URL): URL {
  const url = URL.parse(String(given));
  const received = url === null ? "a text that is not a URL" : problemOf(url);
  if (url !== null && received === undefined) return url;
  throw invalid(what, [{ field: "url", received: received ?? "", allowed: ALLOWED }]);
}

function problemOf({ protocol, href, origin, pathname, hostname }: URL): string | undefined {
  if (protocol !== "https:" && protocol !== "http:") return "a URL that is neither https nor http";
  if (href !== origin + pathname) return "a URL with a user, a query or a fragment";
  if (protocol === "http:" && !isPrivateHost(hostname)) return "an http URL of a public host";
  return undefined;
}
