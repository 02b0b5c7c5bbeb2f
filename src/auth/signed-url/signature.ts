import { nodeCrypto } from "../node-crypto.ts";

/** Four times what an HTTP server reads by default. */
export const MAX_URL_LENGTH = 65_536;

/** The value of `sig` over a path and its canonical query. */
export function signature(message: string, secret: string): string {
  return nodeCrypto().createHmac("sha256", secret).update(message).digest("base64url");
}

/** Whole Unix seconds; `NaN`, with which no time compares, for any other value. */
export function toUnixSeconds(now: Date | number = new Date()): number {
  const seconds = now instanceof Date ? now.getTime() / 1000 : now;
  return typeof seconds === "number" ? Math.floor(seconds) : Number.NaN;
}
