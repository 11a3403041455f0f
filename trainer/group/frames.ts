import { once } from 'node:events';
import type { Socket } from 'node:net';

/** The other pod is gone, or says something else than was to come. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** `alive` only says that a pod is there. */
const kinds = ['hello', 'begin', 'gradient', 'sum', 'score', 'total', 'done', 'alive'] as const;
export type FrameKind = Exclude<(typeof kinds)[number], 'alive'>;

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
/** How often a pod says that it is there. */
const alivePeriodMs = 5_000;
/** A pod of which nothing was heard for so many periods has hung, or is gone without a word. */
const silentPeriods = 12;

/** Frames: the length of the payload (32 bits, little-endian), the kind (8 bits), the payload. */
export function makeFrames(socket: Socket, periodMs = alivePeriodMs): Frames {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  watchPeer(socket, periodMs);
  const frames = readFrames(socket);
  return {
    async send(kind, payload) {
      if (socket.destroyed) throw new ConnectionLost('the connection is closed');
      socket.cork();
      socket.write(headerOf(kind, payload.length));
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
      // Its end is noticed once all that comes before it is read.
      const isOver = async () => (await frames.next()).done;
      while (!(await isOver().catch(() => true)));
    },
    destroy: () => socket.destroy(),
    get isOpen() {
      return !socket.destroyed;
    },
  };
}

/**
 * Ends a connection whose other side is gone without a word, as with a node or the network of a pod. TCP alone notices that
 * after a quarter of an hour where something sent was not confirmed. Periods are counted, not time: a pod that has computed
 * for long has read nothing meanwhile.
 */
function watchPeer(socket: Socket, periodMs: number): void {
  const alive = headerOf('alive', 0);
  let heard = 0;
  let silent = 0;
  const timer = setInterval(() => {
    // What waits to be read was heard, too.
    const isHeard = socket.bytesRead !== heard || socket.readableLength > 0;
    heard = socket.bytesRead;
    silent = isHeard ? 0 : silent + 1;
    if (silent >= silentPeriods) socket.destroy();
    else if (socket.writable && socket.writableLength === 0) socket.write(alive);
  }, periodMs);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

function headerOf(kind: (typeof kinds)[number], length: number): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32LE(length);
  header.writeUInt8(kinds.indexOf(kind), 4);
  return header;
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
      if (kind !== 'alive') yield { kind, payload: all.subarray(headerLength, headerLength + size) };
      const rest = all.subarray(headerLength + size);
      chunks = rest.length > 0 ? [rest] : [];
      length = rest.length;
    }
  }
}
