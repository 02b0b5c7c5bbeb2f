/** The responses of the operator page. */
import { randomBytes } from "node:crypto";
import type { JSX } from "hono/jsx/jsx-runtime";

type Headers = Readonly<Record<string, string>>;

/** On every response. */
const HEADERS: Headers = {
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  // "no-referrer" would make browsers send `Origin: null` with a form of this page.
  "referrer-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** Makes the nonce of a page, which marks the style and the script that the page may load. */
export function newNonce(): string {
  return randomBytes(16).toString("base64url");
}

/** A page. It loads the marked style and script, its own images, and nothing else. */
export async function page(status: number, nonce: string, body: JSX.Element): Promise<Response> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return new Response(`<!doctype html>${await body}`, {
    status,
    headers: {
      ...HEADERS,
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": policy.join("; "),
    },
  });
}

/** Leads the browser to another page of ours, which it reads with GET. */
export function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { ...HEADERS, location, "cache-control": "no-store" } });
}

/** A text of another type, such as the metrics. */
export function text(type: string, body: string): Response {
  return new Response(body, { headers: { ...HEADERS, "content-type": type, "cache-control": "no-store" } });
}

/** A file that never changes under its address. */
export function asset(type: string, body: string): Response {
  const headers = { "content-type": type, "cache-control": "public, max-age=31536000, immutable" };
  return new Response(body, { headers: { ...HEADERS, ...headers } });
}
