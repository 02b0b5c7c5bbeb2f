/** Work to do when the process is told to end, in the right order, without taking the end away from the process. */
import { systemClock } from "../clock.ts";

/** Streams are ended first, because a server waits for them; then loops finish the step under way. */
export type EndPhase = "streams" | "loops";

/** One piece of work, and its phase. */
interface EndTask {
  readonly phase: EndPhase;
  readonly run: () => Promise<void> | void;
}

/** The tasks of the process, and the listener that is installed while there are any. */
interface EndTasks {
  readonly tasks: Set<EndTask>;
  listener: ((signal: NodeJS.Signals) => void) | undefined;
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
const KEY = Symbol.for("atlas-compute.process-end");

/**
 * Does this work on SIGTERM and on SIGINT. Where nothing else listens for the signal, the process then ends by it, as it would without
 * this; where something else does, such as a web framework, the end is left to that. A second signal ends the process at once.
 *
 * @returns a function that takes the work back
 */
export function atProcessEnd(phase: EndPhase, run: EndTask["run"]): () => void {
  const shared = sharedTasks();
  const task = { phase, run };
  shared.tasks.add(task);
  listen(shared);
  return () => {
    shared.tasks.delete(task);
    if (shared.tasks.size === 0) unlisten(shared);
  };
}

/** One list for the process, also where bundles hold copies of this module: each copy would count the others as frameworks. */
function sharedTasks(): EndTasks {
  const known: EndTasks | undefined = Reflect.get(globalThis, KEY);
  if (known !== undefined) return known;
  const tasks: EndTasks = { tasks: new Set(), listener: undefined };
  Reflect.set(globalThis, KEY, tasks);
  return tasks;
}

function listen(shared: EndTasks): void {
  // Runtimes without processes, such as workers at an edge, have no signals.
  if (shared.listener !== undefined || typeof globalThis.process?.prependListener !== "function") return;
  const listener = (signal: NodeJS.Signals): void => void endBy(shared, signal);
  shared.listener = listener;
  for (const signal of SIGNALS) process.prependListener(signal, listener);
}

function unlisten(shared: EndTasks): void {
  const { listener } = shared;
  shared.listener = undefined;
  if (listener !== undefined) for (const signal of SIGNALS) process.removeListener(signal, listener);
}

/** The time that a server gets to send the ends of its streams. */
const FLUSH_MILLISECONDS = 50;

async function runAll(tasks: readonly EndTask[], phase: EndPhase): Promise<void> {
  await Promise.allSettled(tasks.filter((task) => task.phase === phase).map(async ({ run }) => run()));
}

async function endBy(shared: EndTasks, signal: NodeJS.Signals): Promise<void> {
  unlisten(shared);
  const isOurs = process.listenerCount(signal) === 0;
  const tasks = [...shared.tasks];
  shared.tasks.clear();
  await runAll(tasks, "streams");
  await systemClock.sleep(FLUSH_MILLISECONDS);
  await runAll(tasks, "loops");
  if (isOurs) process.kill(process.pid, signal);
}
