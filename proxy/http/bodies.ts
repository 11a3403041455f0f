import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notJson } from '../calls/admit/body.ts';
import { chargeParsing, readBodyOf } from '../calls/receive/receive-body.ts';
import type { StallWatch } from '../calls/receive/stall-watch.ts';

/** Parses every body as JSON, whatever its content type: curl calls JSON a form. No body is undefined. */
export function parseJsonBodies(app: Pick<FastifyInstance, BodyParsing>, stalls: StallWatch): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    const body = await readBodyOf(request.raw, request.share, stalls);
    chargeParsing(body, request.share);
    const text = body.toString('utf8');
    try {
      return text === '' ? undefined : JSON.parse(text);
    } catch (cause) {
      throw notJson(cause);
    }
  });
}

/** Leaves every body as its bytes, for routes that pass it on. */
export function receiveBytes(app: Pick<FastifyInstance, BodyParsing>, stalls: StallWatch): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest) => readBodyOf(request.raw, request.share, stalls));
}

type BodyParsing = 'removeAllContentTypeParsers' | 'addContentTypeParser';
