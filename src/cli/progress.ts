/** The progress of a spawn and of a wait, with the elapsed time: one line for each phase, which a terminal sees change. */
import type { Phase, Progress } from "../lifecycle/context.ts";
import { plain } from "./text.ts";
import type { CliWorld } from "./world.ts";

const CLEAR_LINE = "\r\u001b[2K";

/** Shows progress on standard error. */
export class ProgressLines {
  readonly #world: CliWorld;
  readonly #begunAt: number;
  #phase: Phase | undefined;
  #isOpen = false;

  constructor(world: CliWorld) {
    this.#world = world;
    this.#begunAt = world.clock.now().getTime();
  }

  /** Shows one step. The time counts from the beginning of the whole command, not of one call. */
  readonly show = ({ phase, message, provider }: Progress): void => {
    const { terminal, stderr, clock } = this.#world;
    const isSame = phase === this.#phase;
    if (isSame && !terminal.showsProgress) return;
    this.#phase = phase;
    const seconds = (clock.now().getTime() - this.#begunAt) / 1000;
    const where = provider === undefined || message.includes(provider) ? "" : ` (${provider})`;
    const line = `${seconds.toFixed(1).padStart(6)}s  ${phase.padEnd(12)}  ${plain(message)}${where}`;
    if (terminal.showsProgress) this.#rewrite(line, isSame);
    else stderr(`${line}\n`);
  };

  #rewrite(line: string, isSame: boolean): void {
    const { terminal, stderr } = this.#world;
    if (this.#isOpen && !isSame) stderr("\n");
    const width = terminal.columns();
    stderr(`${CLEAR_LINE}${width === undefined ? line : line.slice(0, width - 1)}`);
    this.#isOpen = true;
  }

  /** Ends the line under way, before any other text. */
  end(): void {
    if (this.#isOpen) this.#world.stderr("\n");
    this.#isOpen = false;
    this.#phase = undefined;
  }
}
