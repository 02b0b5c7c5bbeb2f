/** The health of a compute's GPUs. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { GpuHistory } from "../gpu-health.ts";
import { Sparkline } from "./charts.tsx";

/** One row a GPU: healthy or not, and its values over time. */
export function Gpus({ gpus }: { gpus: readonly GpuHistory[] }): JSX.Element | null {
  if (gpus.length === 0) return null;
  return (
    <section aria-labelledby="gpus">
      <h2 id="gpus">GPU health</h2>
      {gpus.map((gpu) => (
        <Gpu gpu={gpu} />
      ))}
    </section>
  );
}

function Gpu({ gpu: { last, temperature, utilization, memory } }: { gpu: GpuHistory }): JSX.Element {
  return (
    <div class="gpu">
      <h3>
        GPU {last.index} {last.name !== undefined && <span class="quiet">{last.name}</span>}{" "}
        <span class={last.healthy ? "state running" : "state failed"}>
          {last.healthy ? "healthy" : "unhealthy"}
        </span>
      </h3>
      {last.reason !== undefined && <p class="problem">{last.reason}</p>}
      <div class="charts">
        <Sparkline label="Utilization" values={utilization} unit=" %" full={100} />
        <Sparkline label="Memory" values={memory} unit=" %" full={100} />
        <Sparkline label="Temperature" values={temperature} unit=" °C" full={100} />
      </div>
    </div>
  );
}
