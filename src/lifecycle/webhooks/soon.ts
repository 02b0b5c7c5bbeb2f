/** Deliveries right after an event, one at a time in a process. */
import type { Context } from "../context.ts";
import { deliver } from "./deliver.ts";

interface Delivery {
  readonly done: Promise<void>;
  /** True when an event was written since it began. */
  again: boolean;
}

const deliveries = new WeakMap<Context, Delivery>();

/** Delivers, and again where events came meanwhile. Never rejects. */
export function deliverSoon(context: Context): Promise<void> {
  const running = deliveries.get(context);
  if (running !== undefined) {
    running.again = true;
    return running.done;
  }
  const delivery: Delivery = { done: Promise.resolve().then(() => repeat(context)), again: true };
  deliveries.set(context, delivery);
  return delivery.done;
}

async function repeat(context: Context): Promise<void> {
  const delivery = deliveries.get(context);
  try {
    while (delivery?.again) {
      delivery.again = false;
      await deliver(context);
    }
  } finally {
    deliveries.delete(context);
  }
}

/** Waits for the delivery under way, if there is one. */
export async function deliveryEnd(context: Context): Promise<void> {
  await deliveries.get(context)?.done;
}
