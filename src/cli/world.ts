/** The surroundings of a command: environment, clock, signals and streams, which a test replaces. */
import type { EventEmitter } from "node:events";
import type { Clock } from "../clock.ts";
import type { ActOptions } from "../lifecycle/actor.ts";
import type { ExitCode } from "./exit.ts";

/** The surroundings of a command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The name under which events record the person at this command line. */
  readonly operator: () => string;
  /** The number of this process: 1 where it is the first process of a container. */
  readonly processId: number;
  /** Emits the signals of this process. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly terminal: Terminal;
  /** Sets the exit code of this process, which ends by itself. */
  readonly setExitCode: (code: ExitCode) => void;
}

/** The options that name the person at this command line as the actor of a change. */
export function actorOf({ operator }: CliWorld): ActOptions {
  return { by: `operator:${operator()}` };
}

/** A look of a text. */
export type Paint = "bold" | "dim" | "green" | "yellow" | "red";

/** The parts of this process that are a terminal. */
export interface Terminal {
  /** The width of the terminal behind standard output; `undefined` where that is a file or a pipe. */
  readonly columns: () => number | undefined;
  /** Colours a text of standard output, where that is a terminal that wants colours. */
  readonly paint: (format: Paint, text: string) => string;
  /** True where standard input and standard error are a terminal, so that a person can answer a question. */
  readonly canAsk: boolean;
  /** True where standard error is a terminal, so that a line of progress can be written again. */
  readonly showsProgress: boolean;
}
