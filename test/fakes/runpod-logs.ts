/** The log stream of the fake of RunPod: server-sent events that can be resumed. */
import type { FakePod } from "./runpod-pods.ts";

/** The open streams, which tests can cut. */
export type OpenStreams = Set<() => void>;

/** The answer to `GET /v2/pods/{id}/logs`. It stays open until the pod ends. */
export function logStream(
  pod: FakePod,
  request: Request,
  open: OpenStreams,
  hasEnded: () => boolean,
): Response {
  const query = new URL(request.url).searchParams;
  const cursor = request.headers.get("last-event-id");
  const tail = Number(query.get("tail") ?? 100);
  let next =
    cursor === null ? Math.max(0, pod.lines.length - tail) : pod.lines.findIndex(({ ts }) => ts > cursor);
  if (next < 0) next = pod.lines.length;
  const encoder = new TextEncoder();
  let stop = (): void => undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const push = (): void => {
        for (const { ts, ...line } of pod.lines.slice(next))
          controller.enqueue(encoder.encode(`id: ${ts}\ndata: ${JSON.stringify({ ...line, ts })}\n\n`));
        next = pod.lines.length;
        if (!hasEnded()) return;
        stop();
        controller.close();
      };
      const cut = (): void => {
        stop();
        controller.error(new Error("the stream is cut"));
      };
      stop = () => {
        pod.listeners.delete(push);
        open.delete(cut);
      };
      pod.listeners.add(push);
      open.add(cut);
      controller.enqueue(encoder.encode(": open\n\n"));
      push();
    },
    cancel: () => stop(),
  });
  return new Response(body, { headers: HEADERS });
}

/** Chunked, like the real stream: with msw as the server, undici fails when the reader of a body without a length leaves. */
const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "transfer-encoding": "chunked",
};
