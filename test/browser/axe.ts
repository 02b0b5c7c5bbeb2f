/** The rules of accessibility that a page breaks, as axe finds them. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** A broken rule: its name, how much it matters, and the elements that break it. */
export interface BrokenRule {
  readonly id: string;
  readonly impact: string | null;
  readonly elements: readonly string[];
}

const FIND =
  "axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, impact, nodes }) => ({ id, impact, elements: nodes.map(({ html }) => html) }))))";

/** Looks at a page. A policy of the page may allow no foreign script, so that axe comes through the debugger. */
export async function brokenRules(page: Page): Promise<readonly BrokenRule[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe.source });
  const { result } = await session.send("Runtime.evaluate", { expression: FIND, awaitPromise: true });
  await session.detach();
  return JSON.parse(String(result.value));
}
