/** The actions of an operator on a compute: one table, from which the page, its routes and the checks of rights follow. */
import type { Atlas } from "../atlas.ts";
import type { ComputeSnapshot } from "../compute-json.ts";
import { AtlasError } from "../errors.ts";
import type { ComputeStatus } from "../store.ts";

/** The result of an action: a token, which the answer shows and nothing else keeps, or nothing to show. */
export interface ActionResult {
  readonly token?: string;
}

/** One action. */
export interface Action {
  readonly name: string;
  /** The word on its button. */
  readonly label: string;
  /** The sentence that asks before it. */
  readonly question: string;
  /** The sentence that tells of it afterwards. */
  readonly done: string;
  /** True for an action that takes something away from the compute's user. */
  readonly isGrave: boolean;
  /** The states in which it makes sense. The client decides again. */
  readonly in: readonly ComputeStatus[];
  /** True when it takes a number of seconds. */
  readonly takesSeconds?: boolean;
  run(atlas: Atlas, id: string, by: string, form: URLSearchParams): Promise<ActionResult>;
}

const UNDER_WAY: readonly ComputeStatus[] = ["provisioning", "running", "stopped"];

/** Every action. */
export const actions: readonly Action[] = [
  {
    name: "touch",
    label: "Touch",
    question: "Count this as a sign of life? Its idle end moves away by its whole idle timeout.",
    done: "The idle end has moved.",
    isGrave: false,
    in: UNDER_WAY,
    run: async (atlas, id, by) => nothing(await atlas.touch(id, { by })),
  },
  {
    name: "extend",
    label: "Extend",
    question: "Move its planned ends away? Its lifetime grows as far as its request allows.",
    done: "The planned ends have moved.",
    isGrave: false,
    in: UNDER_WAY,
    takesSeconds: true,
    run: async (atlas, id, by, form) => nothing(await atlas.extend(id, { seconds: secondsOf(form), by })),
  },
  {
    name: "stop",
    label: "Stop",
    question: "Stop it? Its user loses the connection, and its disk may continue to cost money.",
    done: "It is stopped.",
    isGrave: true,
    in: ["running"],
    run: async (atlas, id, by) => nothing(await atlas.stop(id, { by })),
  },
  {
    name: "start",
    label: "Start",
    question: "Start it again? From then on it costs its full price.",
    done: "It is starting.",
    isGrave: false,
    in: ["stopped"],
    run: async (atlas, id, by) => nothing(await atlas.start(id, { by })),
  },
  {
    name: "rotate",
    label: "Rotate token",
    question:
      "Make a new token? The next page shows it once. All others, those of its user's open pages too, end after the overlap of five minutes.",
    done: "The token was rotated.",
    isGrave: true,
    in: UNDER_WAY,
    run: async (atlas, id, by) => ({ token: (await atlas.rotateToken(id, { by })).token }),
  },
  {
    name: "terminate",
    label: "Terminate",
    question: "End it for ever? Its user loses it with everything on its disk.",
    done: "It ends. Its state tells when the provider has confirmed that it is gone.",
    isGrave: true,
    in: ["pending", "provisioning", "running", "stopped", "uncertain", "terminating"],
    run: async (atlas, id, by) => nothing(await atlas.terminate(id, { by })),
  },
];

/** Finds an action by the name in an address. @throws NOT_FOUND */
export function actionNamed(name: string): Action {
  const action = actions.find((one) => one.name === name);
  if (action === undefined) throw new AtlasError("NOT_FOUND", `There is no action ${name.slice(0, 40)}.`);
  return action;
}

/** The actions that make sense for a compute. */
export function actionsFor({ status, auth }: Pick<ComputeSnapshot, "status" | "auth">): readonly Action[] {
  const hasToken = auth?.schemes.includes("bearer") ?? false;
  return actions.filter((action) => action.in.includes(status) && (action.name !== "rotate" || hasToken));
}

function nothing(_: unknown): ActionResult {
  return {};
}

function secondsOf(form: URLSearchParams): number {
  const minutes = Number(form.get("minutes"));
  if (Number.isInteger(minutes) && minutes > 0) return minutes * 60;
  throw new AtlasError("VALIDATION", "Give a whole number of minutes from 1 on.");
}
