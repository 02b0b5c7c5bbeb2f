import { type AtlasError, isAtlasError } from "../../src/errors.ts";

/** The `AtlasError` that a promise is rejected with; anything else fails the test. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<AtlasError> {
  try {
    await promise;
  } catch (error) {
    if (isAtlasError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
