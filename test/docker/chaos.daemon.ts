import { afterAll, expect, test } from "vitest";
import { runDockerChaos } from "./chaos.ts";
import { canKill, TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";

const SPAWNS = Number(process.env.ATLAS_DOCKER_SPAWNS ?? 200);
const KILLS = Number(process.env.ATLAS_DOCKER_KILLS ?? 8);

afterAll(() => new TestDaemon(daemonSocket()).clear());

test.skipIf(!canKill)(
  `${SPAWNS} spawns and ${KILLS} deaths of the daemon leave nothing, double nothing, and give no GPU twice`,
  async () => {
    const socket = daemonSocket();
    const onProgress = (text: string): void => void process.stderr.write(`\r${text}  `);
    const result = await runDockerChaos({
      socket,
      spawns: SPAWNS,
      kills: KILLS,
      dropShare: 0.05,
      onProgress,
    });
    console.log(result);
    expect(result.findings).toEqual([]);
    expect(result.kills).toBe(KILLS);
    expect(result.dropped).toBeGreaterThan(0);
    expect(result.outcomes.spawned).toBeGreaterThan(SPAWNS / 10);
  },
  3_600_000,
);
