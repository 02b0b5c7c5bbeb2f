/** The surroundings of a command: environment, clock, signals and streams, which a test replaces. */
import type { EventEmitter } from "node:events";
import type { Clock } from "../clock.ts";

/** The surroundings of a command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The number of this process: 1 where it is the first process of a container. */
  readonly processId: number;
  /** Emits the signals of this process. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}
