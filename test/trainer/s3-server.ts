import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A store with the part of Amazon S3's API that trainers use: objects by path, signed requests. It needs nothing but Node,
 * so that it also runs in a pod: `node s3-server.ts`.
 */
export interface S3Server {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  close(): Promise<void>;
}

export const s3Keys = { accessKeyId: 'AKIATEST', secretAccessKey: 'a-secret-of-tests' };

export async function startS3Server(port = 0, host = '127.0.0.1'): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    answer(request, response, objects).catch(() => response.destroy());
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, objects: Map<string, Buffer>): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const refuse = (status: number, code: string) => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
  };
  if (!isSigned(request, body)) return refuse(403, 'SignatureDoesNotMatch');
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://s3').pathname);
  if (request.method === 'PUT') {
    objects.set(path, body);
    response.writeHead(200, { etag: '"1"' }).end();
    return;
  }
  const found = objects.get(path);
  if (request.method !== 'GET' || !found) return refuse(404, 'NoSuchKey');
  response.writeHead(200, { 'content-length': found.length });
  response.end(found);
}

/** Signature Version 4, as docs.aws.amazon.com describes it for S3. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const { authorization = '', 'x-amz-date': date = '', 'x-amz-content-sha256': digest = '' } = request.headers;
  const [, key, scope = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$/.exec(
      authorization,
    ) ?? [];
  if (key !== s3Keys.accessKeyId) return false;
  const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  if (digest !== 'UNSIGNED-PAYLOAD' && digest !== sha256(body)) return false;
  const url = new URL(request.url ?? '/', 'http://s3');
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`);
  const canonical = [request.method, url.pathname, url.search.slice(1), headers.join(''), names, digest].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const hmac = (secret: string | Buffer, data: string) => createHmac('sha256', secret).update(data).digest();
  const signing = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${s3Keys.secretAccessKey}`);
  const wanted = Buffer.from(hmac(signing, text).toString('hex'));
  const sent = Buffer.from(signature);
  return wanted.length === sent.length && timingSafeEqual(wanted, sent);
}

if (import.meta.main) void startS3Server(9_000, '0.0.0.0');
