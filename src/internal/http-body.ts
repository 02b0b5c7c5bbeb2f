/** Reading a body, but never more of it than we are ready to hold. */

/** A response or a request: what has a body. */
type Message = Pick<Response, "body">;

/** Thrown when a body is longer than allowed. */
export class BodyTooLong extends Error {
  override readonly name = "BodyTooLong";
}

/**
 * The whole body as text.
 * @throws BodyTooLong as soon as it passes `maxBytes`; the rest is not read.
 */
export async function readText(message: Message, maxBytes: number): Promise<string> {
  let length = 0;
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(message)) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new BodyTooLong(`more than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The beginning of the body as text, up to about `maxBytes`; the rest is not read. */
export async function readBeginning(response: Response, maxBytes: number): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(response)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= maxBytes) return text.slice(0, maxBytes);
  }
  return text + decoder.decode();
}

/** The body's chunks. Leaving the loop early ends the transfer; that it has ended is not waited for. */
export async function* chunksOf({ body }: Message): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
