/** The wait that a server asks for: `Retry-After` (RFC 9110) and `RateLimit` (draft-ietf-httpapi-ratelimit-headers). */

/**
 * The seconds to wait before the next request: the longest of `Retry-After` (whole seconds or an HTTP date) and the reset
 * times of the `RateLimit` windows that have nothing left. `undefined` when the server does not ask for one. A date is measured by the
 * answer's own `Date`, because the server's clock and ours may differ.
 */
export function retryAfterSeconds(headers: Headers, now: Date): number | undefined {
  const serverTime = toTime(headers.get("date") ?? "") ?? now.getTime();
  const waits = [
    ...retryAfter(headers.get("retry-after"), serverTime),
    ...exhaustedWindows(headers.get("ratelimit")),
  ];
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function retryAfter(value: string | null, serverTime: number): number[] {
  const text = value?.trim() ?? "";
  if (/^[0-9]{1,9}$/.test(text)) return [Number(text)];
  const date = toTime(text);
  return date === undefined ? [] : [Math.max(0, Math.ceil((date - serverTime) / 1000))];
}

/** Parses an HTTP date in each of its three forms. The oldest of them names no zone. */
function toTime(text: string): number | undefined {
  const zoned = /:[0-9]{2} [0-9]{4}$/.test(text) ? `${text} GMT` : text;
  const time = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(zoned) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function exhaustedWindows(value: string | null): number[] {
  const windows = (value ?? "").split(",").map((window) => window.split(";").map((part) => part.trim()));
  return windows
    .filter((parts) => parameter(parts, "r") === 0)
    .flatMap((parts) => parameter(parts, "t") ?? []);
}

function parameter(parts: readonly string[], name: string): number | undefined {
  const text = parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
