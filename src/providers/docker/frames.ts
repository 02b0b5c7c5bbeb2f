/** The frames of Docker's logs: a byte for the stream, three zeros, the length, and the text. */

const HEADER_BYTES = 8;

/** Takes the text out of a framed stream, wherever its chunks are cut. A container with a terminal has no frames. */
export async function* textOfFrames(
  chunks: AsyncIterable<Uint8Array>,
  hasTerminal: boolean,
): AsyncGenerator<string, void, undefined> {
  const decoders = [new TextDecoder(), new TextDecoder(), new TextDecoder()];
  const decode = (stream: number, bytes: Uint8Array): string =>
    decoders[Math.min(stream, 2)]?.decode(bytes, { stream: true }) ?? "";
  if (hasTerminal) {
    for await (const chunk of chunks) yield decode(1, chunk);
    return;
  }
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = nextFrame(rest); frame !== undefined; frame = nextFrame(rest)) {
      rest = rest.subarray(HEADER_BYTES + frame.length);
      yield decode(frame.stream, frame.text);
    }
  }
}

interface Frame {
  readonly stream: number;
  readonly length: number;
  readonly text: Uint8Array;
}

function nextFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const length = bytes.readUInt32BE(4);
  if (bytes.length < HEADER_BYTES + length) return undefined;
  return { stream: bytes.readUInt8(0), length, text: bytes.subarray(HEADER_BYTES, HEADER_BYTES + length) };
}
