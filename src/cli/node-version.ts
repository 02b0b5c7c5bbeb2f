/** The versions of Node that run the command line. */
import { AtlasError } from "../errors.ts";

const OLDEST = { major: 22, minor: 12 };

/** Refuses a version of Node that lacks what the package is built on. @throws UNSUPPORTED */
export function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new AtlasError(
    "UNSUPPORTED",
    `atlas-compute needs Node ${OLDEST.major}.${OLDEST.minor} or newer, and this is Node ${version}`,
  );
}
