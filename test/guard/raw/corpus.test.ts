import { describe, expect, it } from "vitest";
import { behindKinds } from "./support/behind.ts";
import { corpus } from "./support/corpus.ts";
import { exchange } from "./support/exchange.ts";
import { frontKinds, startBinary } from "./support/fronts.ts";
import { violations } from "./support/judge.ts";

const GOOD = `GET /private/good HTTP/1.1\r\nHost: pod.example\r\nAuthorization: Bearer ${corpus.token}\r\nConnection: close\r\n\r\n`;

// Each test has servers of its own, and waits for silence most of its time.
describe.concurrent("every raw request gets its verdict", () => {
  it.for(behindKinds)("from the binary in front of $name", { timeout: 120_000 }, async (kind, { skip }) => {
    skip(kind.missing !== undefined && process.env.CI === undefined, kind.missing);
    await using behind = await kind.open();
    await using binary = await startBinary(behind.port);
    behind.take();
    const before = binary.descriptors();
    const found = await violations({
      port: binary.port,
      take: behind.take,
      isExact: kind.seesAll,
      isRaw: true,
    });
    expect(found).toEqual([]);
    expect((await exchange(binary.port, GOOD)).status).toBe(200);
    expect(binary.child.exitCode).toBeNull();
    expect(binary.stderr()).not.toContain("defect");
    await expect.poll(binary.descriptors, { timeout: 10_000 }).toBeLessThanOrEqual(before + 1);
  });

  it.for(frontKinds)("from the middleware of $name", { timeout: 120_000 }, async (kind) => {
    await using front = await kind.open();
    const found = await violations({
      port: front.port,
      take: front.take,
      isExact: kind.seesTarget,
      isRaw: kind.seesTarget,
    });
    expect(found).toEqual([]);
    expect((await exchange(front.port, GOOD)).status).toBe(200);
  });
});
