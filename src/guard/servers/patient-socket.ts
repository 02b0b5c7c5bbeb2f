import { Socket } from "node:net";

type Done = (error?: Error | null) => void;

/**
 * A connection that still reads after its peer has stopped to read. A server may answer 413 in the middle of an upload and close:
 * the next write fails, and a plain socket would drop the answer that already lies in its buffer. The reading side ends by itself,
 * because the peer's reset reaches it too.
 */
export class PatientSocket extends Socket {
  override _write(chunk: Buffer, encoding: BufferEncoding, done: Done): void {
    super._write(chunk, encoding, () => done());
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: Done): void {
    super._writev?.(chunks, () => done());
  }
}
