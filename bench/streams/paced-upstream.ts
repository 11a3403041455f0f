// An upstream in its own process that answers every request with a chunked stream, one delta at a time. A message says
// how much time lies between two deltas.
import { createServer, type Socket } from 'node:net';
import { deltasPerStream, firstEvent, lastEvents, makeDelta } from './deltas.ts';

export interface Pace {
  readonly everyMs: number;
}

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const end = `${makeChunk(lastEvents)}0\r\n\r\n`;
let everyMs = 10;

const server = createServer({ noDelay: true }, serve).listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('message', (pace: Pace) => {
  everyMs = pace.everyMs;
});
process.on('disconnect', () => process.exit());

function serve(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const bodyStart = pending.indexOf('\r\n\r\n') + 4;
    if (bodyStart < 4) return;
    const length = /^content-length: *(\d+)/im.exec(pending.toString('latin1', 0, bodyStart))?.[1];
    if (pending.length < bodyStart + Number(length ?? 0)) return;
    pending = Buffer.alloc(0);
    stream(socket);
  });
}

function stream(socket: Socket): void {
  let sent = 0;
  socket.write(head + makeChunk(firstEvent));
  const timer = setInterval(() => {
    if (socket.destroyed) clearInterval(timer);
    else if (sent < deltasPerStream) socket.write(makeChunk(makeDelta(sent)));
    else {
      clearInterval(timer);
      socket.write(end);
    }
    sent += 1;
  }, everyMs);
}

function makeChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
