/** Turns of the event loop. Between two of them, everything that needs no more than a promise goes on. */

/** The number of turns that are asked for at once: one loop of Node serves them all, and a loop costs more than a turn. */
const AHEAD = 64;

let left = 0;
let resume: (() => void) | undefined;

/** Resolves once nothing can go on by itself any more. One caller at a time may wait. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    resume = resolve;
    if (left === 0) for (; left < AHEAD; left += 1) setImmediate(serve);
  });
}

function serve(): void {
  left -= 1;
  const next = resume;
  resume = undefined;
  next?.();
}
