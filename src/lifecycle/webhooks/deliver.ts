/**
 * Delivery of events to the endpoints of webhooks. The events of the store are the outbox: they are written with the change that they tell of. Each endpoint has a
 * cursor in them, which moves behind an event once the endpoint has taken it, so a message is sent again after a failure, in order.
 */
import { createHash } from "node:crypto";
import { nanoid } from "nanoid";
import { backoffSeconds } from "../../internal/backoff.ts";
import { within } from "../../internal/within.ts";
import type { ComputeEvent, Cursor } from "../../store.ts";
import type { Context } from "../context.ts";
import { messageOf as failureText } from "../failures.ts";
import { after } from "../record/time.ts";
import { messageOf } from "./message.ts";
import type { Webhook } from "./options.ts";
import { signedHeaders } from "./signature.ts";

/** The events that one round reads at most. */
const ROUND = 100;
/** The rounds that follow each other before the endpoint is left to another claim. */
const MAX_ROUNDS = 20;
const LEASE_SECONDS = 60;
const TIMEOUT_SECONDS = 15;
const BACKOFF = { firstSeconds: 5, maxSeconds: 3600, jitter: 0.2 };
/** An event that the endpoint has not taken for this long is given up. */
const MAX_AGE_SECONDS = 3 * 86_400;
/** A new endpoint begins with the events of the last hour. */
const SINCE_SECONDS = 3600;

/** An endpoint whose cursor this delivery holds. */
interface Held {
  readonly context: Context;
  readonly webhook: Webhook;
  readonly name: string;
  readonly lease: string;
}

/** Sends what there is to every endpoint, each by itself. A failure is logged, and a later delivery sends again. */
export async function deliver(context: Context): Promise<void> {
  await Promise.all(context.webhooks.map((webhook) => deliverTo(context, webhook)));
}

async function deliverTo(context: Context, webhook: Webhook): Promise<void> {
  const held = { context, webhook, name: cursorName(webhook), lease: nanoid() };
  try {
    const cursor = await context.store.claimCursor({
      ...keyOf(held),
      leaseSeconds: LEASE_SECONDS,
      sinceSeconds: SINCE_SECONDS,
    });
    if (cursor !== undefined) await sendAll(held, cursor);
  } catch (error) {
    context.logger.warn(`the webhook ${nameOf(webhook)} could not be served; the next delivery tries again`, {
      error: failureText(error),
    });
  }
}

async function sendAll(held: Held, cursor: Cursor): Promise<void> {
  const { store, namespace } = held.context;
  let { position, attempts } = cursor;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const events = await store.events({ namespace, after: position }, ROUND);
    for (const event of events) {
      if (held.webhook.events.has(event.type)) {
        const pauseSeconds = await send(held, event, attempts);
        if (pauseSeconds !== undefined) return release(held, position, attempts + 1, pauseSeconds);
        attempts = 0;
        if (!(await move(held, event.id, attempts))) return;
      }
      position = event.id;
    }
    if (events.length < ROUND) break;
  }
  await release(held, position, attempts, 0);
}

/** Sends one event. @returns the pause before the next try; `undefined` when the endpoint has taken it, or the event is given up */
async function send(held: Held, event: ComputeEvent, attempts: number): Promise<number | undefined> {
  const { context, webhook } = held;
  const failure = await post(held, event).catch((error: unknown) => ({ why: failureText(error) }));
  if (failure === undefined) return undefined;
  const facts = {
    endpoint: nameOf(webhook),
    eventId: event.id,
    computeId: event.computeId,
    error: failure.why,
  };
  if (after(event.at, MAX_AGE_SECONDS) <= (await context.store.now())) {
    context.logger.error(
      "a webhook gave an event up, which its endpoint has not taken for three days",
      facts,
    );
    return undefined;
  }
  context.logger.warn("a webhook's endpoint did not take an event; it is sent again", facts);
  return backoffSeconds(BACKOFF, Math.min(attempts, 20));
}

/** Posts one event. @returns the reason when the endpoint has not taken it */
async function post(
  { context, webhook }: Held,
  event: ComputeEvent,
): Promise<{ readonly why: string } | undefined> {
  const { clock, namespace, store } = context;
  const snapshot = await store.get(namespace, event.computeId);
  const body = JSON.stringify(messageOf(namespace, event, snapshot?.record));
  const headers = signedHeaders({ id: `${namespace}_${event.id}`, at: clock.now(), body }, webhook.secrets);
  const error = (): Error => new Error(`it did not answer within ${TIMEOUT_SECONDS} seconds`);
  return within({ clock, seconds: TIMEOUT_SECONDS, error }, async (signal) => {
    const response = await context.fetch(webhook.url, {
      method: "POST",
      redirect: "manual",
      ...{ headers, body, signal },
    });
    return response.ok ? undefined : { why: `it answered ${response.status}` };
  });
}

function move(held: Held, position: string, attempts: number): Promise<boolean> {
  return held.context.store.moveCursor({ ...keyOf(held), leaseSeconds: LEASE_SECONDS, position, attempts });
}

async function release(held: Held, position: string, attempts: number, pauseSeconds: number): Promise<void> {
  const place = { leaseSeconds: LEASE_SECONDS, position, attempts, pauseSeconds };
  await held.context.store.moveCursor({ ...keyOf(held), ...place });
}

function keyOf({ context: { namespace }, name, lease }: Held): {
  readonly namespace: string;
  readonly name: string;
  readonly lease: string;
} {
  return { namespace, name, lease };
}

/** The URL may hold a secret of the receiver's, so the store gets its hash. */
function cursorName({ url }: Webhook): string {
  return `webhook ${createHash("sha256").update(url).digest("hex")}`;
}

/** The endpoint for people, without the parts of its URL that may be secret. */
function nameOf({ url }: Webhook): string {
  return new URL(url).origin;
}
