import { describe, expect, it } from "vitest";
import { type DeskUnderTest, deskUnderTest } from "./desk.ts";

/** The text of a page without its tags, each run of spaces as one. */
async function textOf(response: Promise<Response>): Promise<string> {
  return (await (await response).text()).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

/** The addresses of the page's links that contain a text. */
async function linksWith(response: Promise<Response>, part: string): Promise<readonly string[]> {
  const links = (await (await response).text()).matchAll(/href="([^"]*)"/g);
  return [...links]
    .map(([, href = ""]) => href.replaceAll("&amp;", "&"))
    .filter((href) => href.includes(part));
}

async function threeUsers(): Promise<DeskUnderTest & { readonly ids: readonly string[] }> {
  const desk = deskUnderTest();
  const ids: string[] = [];
  for (const [userId, gpu] of [
    ["ann", "h100"],
    ["bob", "l4"],
    ["bob", "l4"],
  ] as const) {
    const { id } = await desk.clock.settle(desk.atlas.spawnCompute({ userId, gpu, ports: [8000] }));
    ids.push(id);
    await desk.clock.advance(60);
  }
  return { ...desk, ids };
}

describe("the list of the operator page", () => {
  it("shows every live compute with its user, place, state and cost", async () => {
    const { get, ids } = await threeUsers();
    const text = await textOf(get(""));
    for (const id of ids) expect(text).toContain(id);
    expect(text).toContain("ann");
    expect(text).toMatch(/h100\S* mock/);
    expect(text).toContain("Live 3");
    expect(text).toContain("2 min");
  });

  it("adds up users and providers", async () => {
    const { get } = await threeUsers();
    const text = await textOf(get(""));
    expect(text).toMatch(/By provider .* mock 3 \$/);
    expect(text).toMatch(/By user, costliest first .* bob 2 \$.* ann 1 \$/);
  });

  it("filters by state, user, provider and text, and keeps the filters in its links", async () => {
    const { get, atlas, clock, ids } = await threeUsers();
    await clock.settle(atlas.terminate(ids[1] ?? ""));
    expect(await linksWith(get("?user=bob"), "/computes/")).toEqual([`/operator/computes/${ids[2]}`]);
    expect(await linksWith(get("?user=bob&state=all"), "/computes/")).toHaveLength(2);
    expect(await linksWith(get("?state=terminated"), "/computes/")).toEqual([`/operator/computes/${ids[1]}`]);
    expect(await linksWith(get(`?search=${ids[0]?.slice(2, 14)}`), "/computes/")).toHaveLength(1);
    expect(await textOf(get("?provider=fly"))).toContain("No compute matches");
    expect(await linksWith(get("?user=bob&search=b"), "provider=mock")).toEqual([
      "/operator/?search=b&provider=mock&user=bob",
    ]);
  });

  it("shows 50 computes a page and leads to the older ones", async () => {
    const { get, atlas, clock } = deskUnderTest();
    for (let index = 0; index < 53; index += 1)
      await clock.settle(atlas.spawnCompute({ userId: `u${index}`, ports: [8000] }));
    const first = await linksWith(get(""), "/computes/");
    const [older = ""] = await linksWith(get(""), "cursor=");
    const second = await linksWith(get(older.replace("/operator", "")), "/computes/");
    expect([first.length, second.length, new Set([...first, ...second]).size]).toEqual([50, 3, 53]);
  });

  it("refuses a state and a cursor that do not exist", async () => {
    const { get } = deskUnderTest();
    for (const query of ["?state=happy", "?cursor=x"]) expect((await get(query)).status).toBe(422);
  });

  it("writes every text as text", async () => {
    const { get, atlas, clock } = deskUnderTest();
    const nasty = `"><script>alert(1)</script>'`;
    await clock.settle(atlas.spawnCompute({ userId: nasty, ports: [8000], metadata: { note: nasty } }));
    const [href = ""] = await linksWith(get(""), "/computes/");
    for (const path of ["", `?search=${encodeURIComponent("<script>")}`, href.replace("/operator", "")]) {
      const html = await (await get(path)).text();
      expect(html).not.toContain("<script>alert");
      expect(html).not.toMatch(/<script(?![^>]* nonce=)/);
    }
  });
});
