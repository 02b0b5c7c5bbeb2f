import { isAtlasError } from "../errors.ts";

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return isAtlasError(error)
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : "unknown error";
}
