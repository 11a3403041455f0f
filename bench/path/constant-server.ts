// A minimal upstream in its own process: it finds the end of a request, and answers a constant.
import { createServer, type Socket } from 'node:net';
import { answers, type Form } from './exchange.ts';

const messages: Readonly<Record<Form, Buffer>> = { whole: makeMessage('whole'), stream: makeMessage('stream') };

const server = createServer({ noDelay: true }, serve).listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());

function serve(socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const bodyStart = pending.indexOf('\r\n\r\n') + 4;
      if (bodyStart < 4) return;
      const head = pending.toString('latin1', 0, bodyStart);
      const end = bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
      if (pending.length < end) return;
      socket.write(/^accept: *text\/event-stream/im.test(head) ? messages.stream : messages.whole);
      pending = pending.subarray(end);
    }
  });
}

function makeMessage(form: Form): Buffer {
  const { contentType, body } = answers[form];
  const length = Buffer.byteLength(body);
  return Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${length}\r\n\r\n${body}`);
}
