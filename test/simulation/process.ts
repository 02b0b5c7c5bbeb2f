/** One process of a simulated application. Each of its calls waits at a gate until the schedule lets it through. */
import { hash } from "node:crypto";
import { surround } from "../support/intercept.ts";
import { Chance } from "./chance.ts";

/** The other side of a call. */
export type Side = "store" | "provider" | "pod";

/** A call at the gate. */
export interface Call {
  readonly side: Side;
  readonly method: string;
  readonly parameters: readonly unknown[];
  readonly run: () => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The result of a process's program. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** The gate of a world. */
export interface Gate {
  /** Hears of a call when it is made. True where it goes through at once. */
  opens(process: Process, call: Call): boolean;
}

/** A process: it runs one program, and dies at any gate. */
export class Process {
  readonly name: string;
  readonly chance: Chance;
  readonly #isMarked: boolean;
  /** The mark of everything that the process was told so far: together with its program, that determines its next step. */
  heard = "";
  isAlive = true;
  outcome: Outcome | undefined;
  /** Calls at the gate, oldest first. */
  waiting: Call[] = [];
  calls = 0;

  /** A process that is not marked notes nothing of what it is told, which saves time where no two states are compared. */
  constructor(name: string, isMarked: boolean) {
    this.name = name;
    this.#isMarked = isMarked;
    this.chance = new Chance(name);
  }

  /** True while the process has a step to take. */
  get isBusy(): boolean {
    return this.isAlive && this.outcome === undefined;
  }

  /**
   * The same object as this process reaches it: each call of these methods waits at the gate.
   */
  gated<Target extends object>(target: Target, side: Side, methods: readonly string[], gate: Gate): Target {
    return surround(target, methods, (run, method, parameters) => {
      if (!this.isAlive) return new Promise(() => undefined);
      this.calls += 1;
      return new Promise((resolve, reject) => {
        const call: Call = { side, method, parameters, run, resolve, reject };
        if (gate.opens(this, call)) return;
        this.waiting.push(call);
        signalOf(call)?.addEventListener("abort", () => this.take(call), { once: true });
      });
    });
  }

  /** Notes something that the process is told. */
  hear(told: unknown): void {
    if (this.#isMarked) this.heard = hash("sha1", this.heard + textOf(told), "base64");
  }

  /** Tells that nothing that it heard so far matters to what it does next: it begins anew. */
  forget(): void {
    this.heard = "";
  }

  /** Takes a call from the gate. */
  take(call: Call): void {
    this.waiting = this.waiting.filter((other) => other !== call);
  }

  /** Ends the process: it takes no step any more. */
  die(): void {
    this.isAlive = false;
    this.waiting = [];
  }
}

function textOf(told: unknown): string {
  return told instanceof Error ? String(told) : (JSON.stringify(told) ?? "nothing");
}

/** The signal by which a process gives up a call to its provider. */
function signalOf({ side, parameters }: Call): AbortSignal | undefined {
  const last: unknown = parameters.at(-1);
  const isContext = typeof last === "object" && last !== null && "signal" in last;
  return side !== "store" && isContext && last.signal instanceof AbortSignal ? last.signal : undefined;
}
