/** Chromium, with every name of the tests at this machine. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { DOMAIN } from "./https.ts";

const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--ignore-certificate-errors",
  "--autoplay-policy=no-user-gesture-required",
  `--host-resolver-rules=MAP *.${DOMAIN} 127.0.0.1, MAP *.other.test 127.0.0.1`,
];

/** True where Chromium is installed; in CI it has to be. */
export const hasBrowser: boolean = existsSync(CHROMIUM) || process.env.CI === "true";

/** Starts Chromium. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: FLAGS,
    // Pages are kept for the way back, as a user has them.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}
