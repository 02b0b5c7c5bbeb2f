/** What a call that took a signal is rejected with: the signal's reason instead of its own error, once the signal has aborted. */
export async function orReason<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
