import { once } from 'node:events';
import type { Socket } from 'node:net';

/** The other pod is gone, or says something else than was to come. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

const kinds = ['hello', 'begin', 'gradient', 'sum', 'score', 'total', 'done'] as const;
export type FrameKind = (typeof kinds)[number];

/** A connection between two pods of a job. */
export interface Frames {
  send(kind: FrameKind, payload: Buffer): Promise<void>;
  /** Resolves with the payload of the next frame. @throws {ConnectionLost} */
  expect(kind: FrameKind): Promise<Buffer>;
  /** Ends the connection after what was sent. */
  end(): Promise<void>;
  destroy(): void;
  readonly isOpen: boolean;
}

const headerLength = 5;
const longestPayload = 2 ** 30;
/** A pod that says nothing for so long has hung, or its node is gone. */
const silenceMs = 300_000;

/** Frames: the length of the payload (32 bits, little-endian), the kind (8 bits), the payload. */
export function makeFrames(socket: Socket): Frames {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 10_000);
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('error', () => {});
  const frames = readFrames(socket);
  return {
    async send(kind, payload) {
      if (socket.destroyed) throw new ConnectionLost('the connection is closed');
      const header = Buffer.alloc(headerLength);
      header.writeUInt32LE(payload.length);
      header.writeUInt8(kinds.indexOf(kind), 4);
      socket.cork();
      socket.write(header);
      const isWritten = socket.write(payload);
      socket.uncork();
      if (isWritten) return;
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    },
    async expect(kind) {
      const { value } = await frames.next().catch((cause: unknown) => {
        throw new ConnectionLost('the connection broke off', { cause });
      });
      if (!value) throw new ConnectionLost('the connection is closed');
      if (value.kind !== kind) throw new ConnectionLost(`a frame ${value.kind} came instead of ${kind}`);
      return value.payload;
    },
    async end() {
      if (socket.destroyed) return;
      socket.end();
      await Promise.race([once(socket, 'close'), once(socket, 'end')]).catch(() => {});
    },
    destroy: () => socket.destroy(),
    get isOpen() {
      return !socket.destroyed;
    },
  };
}

async function* readFrames(socket: Socket): AsyncGenerator<{ readonly kind: FrameKind; readonly payload: Buffer }> {
  let chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    while (length >= headerLength) {
      if ((chunks[0]?.length ?? 0) < headerLength) chunks = [Buffer.concat(chunks)];
      const size = chunks[0]?.readUInt32LE(0) ?? 0;
      if (size > longestPayload) throw new ConnectionLost('a frame is too long');
      if (length < headerLength + size) break;
      const all = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      const kind = kinds[all.readUInt8(4)];
      if (!kind) throw new ConnectionLost('a frame is of no known kind');
      yield { kind, payload: all.subarray(headerLength, headerLength + size) };
      const rest = all.subarray(headerLength + size);
      chunks = rest.length > 0 ? [rest] : [];
      length = rest.length;
    }
  }
}
