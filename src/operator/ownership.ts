/** The deployment that the store belongs to, as the page tells of it. */
import type { Atlas } from "../atlas.ts";
import { isAtlasError } from "../errors.ts";
import { isNotOwned } from "../store.ts";

/** The sentence about a store of another deployment; `undefined` where this process may write. */
export async function mismatchOf(atlas: Atlas): Promise<string | undefined> {
  try {
    await atlas.requireOwnership();
    return undefined;
  } catch (error) {
    if (isAtlasError(error) && isNotOwned(error)) return `${error.message}.`;
    throw error;
  }
}
