/** What a command of the CLI has of the world, so that a test can stand in for it. */
import type { EventEmitter } from "node:events";
import type { Clock } from "../clock.ts";

/** What a command reads and writes. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Emits the signals that this process gets. */
  readonly signals: Pick<EventEmitter, "on" | "off">;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}
