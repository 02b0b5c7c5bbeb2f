import { expect, it } from "vitest";
import { type DeskUnderTest, deskUnderTest } from "./desk.ts";

/** The rows of the page's table of a kind, each as its cells. */
async function rows(desk: DeskUnderTest, by: "provider" | "user"): Promise<readonly string[]> {
  const html = await (await desk.get("/costs")).text();
  const table = html.split(`aria-label="Costs, by ${by}"`)[1]?.split("</table>")[0] ?? "";
  return table
    .split("</tr>")
    .slice(1)
    .map((row) =>
      row
        .replaceAll(/<[^>]*>/g, " ")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .filter((row) => row !== "");
}

/** Runs a compute of the user for some hours. A mock's compute costs $1 an hour. */
async function run({ atlas, clock }: DeskUnderTest, userId: string, seconds: number): Promise<void> {
  const spawning = atlas.spawnCompute({ userId, gpu: "h100", ports: [8000], idleTimeoutSeconds: null });
  const { id } = await clock.settle(spawning);
  await clock.advance(seconds);
  await clock.settle(atlas.terminate(id));
}

/** Goes to noon of the first day of the next month. */
async function nextMonth({ clock }: DeskUnderTest): Promise<void> {
  const now = clock.now();
  const first = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1, 12);
  await clock.advance((first - now.getTime()) / 1000);
}

it("the page of costs shows this month beside the one before, by user and by provider, the dearest first", async () => {
  const desk = deskUnderTest();
  await nextMonth(desk);
  await run(desk, "ann", 36_000);
  await run(desk, "bob", 3600);
  await nextMonth(desk);
  await run(desk, "bob", 7200);
  expect(await rows(desk, "user")).toEqual([
    "bob $2.00 $1.00 2.0 1",
    "ann $0.00 $10.00 0.0 0",
    "All $2.00 $11.00 2.0 1",
  ]);
  expect(await rows(desk, "provider")).toEqual(["mock $2.00 $11.00 2.0 1", "All $2.00 $11.00 2.0 1"]);
  const names = (await (await desk.get("/costs")).text()).match(/[A-Z]\w+ \d{4}(?=<)/g);
  expect(new Set(names)).toEqual(new Set(["March 2026", "February 2026"]));
});

it("the page of costs leads to the computes of a user and of a provider, ended ones too", async () => {
  const desk = deskUnderTest();
  await run(desk, "ann & co", 3600);
  const html = await (await desk.get("/costs")).text();
  expect(html).toContain('href="/operator/?state=all&amp;user=ann+%26+co"');
  expect(html).toContain('href="/operator/?state=all&amp;provider=mock"');
});

it("the page of costs shows a hundred users, and the others as one row", async () => {
  const desk = deskUnderTest();
  for (let index = 0; index < 103; index += 1) await run(desk, `user-${index}`, 60 + index);
  const shown = await rows(desk, "user");
  expect(shown).toHaveLength(102);
  expect(shown.at(0)).toMatch(/^user-102 /);
  expect(shown.at(-2)).toMatch(/^3 others /);
});

it("the page of costs says so when there are none", async () => {
  expect(await (await deskUnderTest().get("/costs")).text()).toContain("Nothing has cost anything");
});
