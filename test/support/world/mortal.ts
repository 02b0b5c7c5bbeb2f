/** The death of a process: its calls go on at the other side, and no answer ever reaches it. */

import { surround } from "../intercept.ts";

/** A process that can die. */
export interface Mortal {
  alive: boolean;
}

const never = new Promise<never>(() => undefined);

/** Makes a call unless the process is dead, and answers it unless the process has died meanwhile. */
export async function whileAlive<Result>(process: Mortal, call: () => Promise<Result>): Promise<Result> {
  if (!process.alive) return never;
  try {
    const result = await call();
    return process.alive ? result : never;
  } catch (error) {
    if (process.alive) throw error;
    return never;
  }
}

/** The same object as a process sees it that may die. `before` each call, something may be thrown instead. */
export function mortal<Target extends object>(
  target: Target,
  methods: readonly string[],
  process: Mortal,
  before: () => void = () => undefined,
): Target {
  return surround(target, methods, (call) =>
    whileAlive<unknown>(process, async () => {
      before();
      return call();
    }),
  );
}
