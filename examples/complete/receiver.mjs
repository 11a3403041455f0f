// Receives the events of the webhook `crm`, and prints those that Chaperone has signed (docs/webhooks.md).
//
//   node examples/complete/receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

// As in local/secret.yaml.
const secret = process.env.WEBHOOK_SECRET ?? 'whsec_ZXhhbXBsZS1vZi1hLXNlY3JldC1mb3ItdGhpcy1tYWNoaW5l';

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const signature = Buffer.from(String(request.headers['x-webhook-signature']));
  const isTrue = signature.length === expected.length && timingSafeEqual(signature, expected);
  response.writeHead(isTrue ? 204 : 401).end();
  process.stdout.write(isTrue ? `${body}\n` : 'somebody else has sent something\n');
}).listen(9099, '127.0.0.1', () => process.stdout.write('Waiting for events on 127.0.0.1:9099\n'));
