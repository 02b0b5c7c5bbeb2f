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

/** Rejects with the signal's reason as soon as it has aborted. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
