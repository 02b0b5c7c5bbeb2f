/** The moves of a schedule, and how a schedule is written. */

/**
 * The way in which a call goes through the gate: it is answered; it takes effect and its answer is lost; it is lost; it takes effect and nothing
 * more is heard; the other side refuses it.
 */
export type Passage = "answered" | "answer-lost" | "call-lost" | "unanswered" | "refused";

/** One move. */
export type Move =
  /** A call of a process goes through: the first that waits, or a later one. */
  | { readonly kind: "call"; readonly process: string; readonly at: number; readonly passage: Passage }
  /** A process dies. Its calls at the gate never arrive, or arrive after its death. */
  | { readonly kind: "crash"; readonly process: string; readonly arrives: boolean }
  /** Time moves to the end of the first pause, or by some seconds. */
  | { readonly kind: "pause" }
  | { readonly kind: "leap"; readonly seconds: number }
  /**
   * An event at the provider: its API shows nothing of ours, or again everything; an instance disappears, fails, or is stopped; the servers in the pods
   * come up.
   */
  | { readonly kind: "event"; readonly event: WorldEvent };

/** An event at the provider. */
export type WorldEvent = "blackout" | "vanish" | "fail" | "halt" | "pods-answer";

const PASSAGES: Readonly<Record<Passage, string>> = {
  answered: "",
  "answer-lost": "?",
  "call-lost": "!",
  unanswered: "_",
  refused: "#",
};

const EVENTS: Readonly<Record<WorldEvent, string>> = {
  blackout: "b",
  vanish: "v",
  fail: "f",
  halt: "h",
  "pods-answer": "p",
};

/** Writes a move. */
export function moveText(move: Move): string {
  switch (move.kind) {
    case "call":
      return `${move.process}${move.at === 0 ? "" : move.at}${PASSAGES[move.passage]}`;
    case "crash":
      return `${move.arrives ? "x+" : "x"}${move.process}`;
    case "pause":
      return "t";
    case "leap":
      return String(move.seconds);
    case "event":
      return EVENTS[move.event];
  }
}

/** Writes a schedule: a scenario's name, and its moves. */
export function scheduleText(scenario: string, moves: readonly Move[]): string {
  return `${scenario}: ${moves.map(moveText).join(" ")}`;
}

const CALL = /^([A-Z])(\d?)([?!_#]?)$/;
const CRASH = /^x(\+?)([A-Z])$/;

/** Reads a move. @throws Error for a text that is none */
export function parseMove(text: string): Move {
  const event = keyOf(EVENTS, text);
  if (event !== undefined) return { kind: "event", event };
  if (text === "t") return { kind: "pause" };
  if (/^\d+$/.test(text)) return { kind: "leap", seconds: Number(text) };
  const [, arrives, dead] = CRASH.exec(text) ?? [];
  if (dead !== undefined) return { kind: "crash", process: dead, arrives: arrives === "+" };
  const [, process, at, sign] = CALL.exec(text) ?? [];
  const passage = keyOf(PASSAGES, sign ?? "");
  if (process !== undefined && passage !== undefined)
    return { kind: "call", process, at: Number(at || 0), passage };
  throw new Error(`"${text}" is no move: see docs/testing.md for how a schedule is written`);
}

/** Reads a schedule. @throws Error for a text that is none */
export function parseSchedule(text: string): { readonly scenario: string; readonly moves: readonly Move[] } {
  const colon = text.indexOf(":");
  if (colon === -1) throw new Error(`"${text}" is no schedule: it begins with a scenario's name and a colon`);
  const moves = text.slice(colon + 1).trim();
  return {
    scenario: text.slice(0, colon).trim(),
    moves: moves === "" ? [] : moves.split(/\s+/).map(parseMove),
  };
}

function keyOf<Key extends string>(table: Readonly<Record<Key, string>>, text: string): Key | undefined {
  const keys: readonly Key[] = Object.keys(table) as Key[];
  return keys.find((key) => table[key] === text);
}
