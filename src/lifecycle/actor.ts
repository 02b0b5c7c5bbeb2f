/** The one that asked for a change, as the event of the change names it. */
import { parseFields } from "../internal/parse.ts";
import { byField } from "./by-field.ts";
import type { RecordChange } from "./record/patch.ts";

/** Options of a change. */
export interface ActOptions {
  /**
   * The one that asked for the change, such as `"operator:grace"`: 1 to 250 characters, which the event of the change has in `data.by`. The event
   * stream of the control plane shows users only the word before the colon. @default none
   */
  readonly by?: string | undefined;
}

/** The part of an event's data that names the actor; empty where none is named. */
export type By = { readonly by?: string };

/** Parses the options of a change that has no others. @throws VALIDATION */
export function toBy(method: string, options: ActOptions | undefined): By {
  return options === undefined ? {} : parseFields(`The options of ${method}`, { by: byField }, options);
}

/** The event that names the actor; a change of status tells it with the status. Without an actor there is none. */
export function noteOf(by: By, message?: string): Pick<RecordChange, "event"> {
  return by.by === undefined
    ? {}
    : { event: { type: "note", data: { ...(message !== undefined && { message }), ...by } } };
}
