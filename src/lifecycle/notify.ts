/** Calling what the application gave us to call: what it throws, at once or later, is logged and disturbs nothing. */
import type { Context } from "./context.ts";

/** Calls a listener with a value. */
export function notify<Value>(
  { logger }: Context,
  name: string,
  listener: ((value: Value) => unknown) | undefined,
  value: Value,
): void {
  const call = async (): Promise<unknown> => listener?.(value);
  call().catch((error: unknown) =>
    logger.error(`${name} threw`, { error: error instanceof Error ? error.message : "not an Error" }),
  );
}
