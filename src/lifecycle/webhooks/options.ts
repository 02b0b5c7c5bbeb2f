/** The endpoints of webhooks, as `createAtlas` takes them. */
import type { ComputeEvent } from "../../store.ts";

/** An endpoint that is told of events. */
export interface WebhookEndpoint {
  /** Where each message is posted: https, or http on this machine. Another URL is another endpoint, which begins with the events of the last hour. */
  readonly url: string;
  /**
   * The secret that signs the messages: `whsec_` and the base64 of 24 to 64 bytes. Of several, each signs, so that the receiver can change to a new one.
   */
  readonly secret: string | readonly string[];
  /** The types of the events to tell. @default ["state", "ending-soon"] */
  readonly events?: readonly ComputeEvent["type"][] | undefined;
}

/** An endpoint, parsed. */
export interface Webhook {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly events: ReadonlySet<ComputeEvent["type"]>;
}
