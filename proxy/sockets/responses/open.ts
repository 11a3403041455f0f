import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { responses } from '../../operations/responses.ts';
import type { SessionCaller } from '../find-caller.ts';
import { contextOf } from '../governed-response.ts';
import type { OpenContext, Ready } from '../session.ts';
import { ResponsesSession } from './session.ts';

/** The headers of the opening request that each of its calls has. */
const passedOn = ['openai-beta', 'traceparent', 'tracestate'];

/**
 * Admits a session of the Responses API. No provider is needed yet: each response says what serves it.
 *
 * @throws {ProxyError} where the session may not be opened
 */
export async function openResponses(
  context: OpenContext,
  { headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  { secret }: SessionCaller,
  first: Identified,
): Promise<Ready> {
  if (secret)
    throw new ProxyError('invalid_credentials', {
      message: 'an ephemeral key opens sessions of the Realtime API alone',
    });
  const { pipeline, inFlight } = context;
  const share = inFlight.open();
  try {
    pipeline.open(contextOf(first, share, undefined), responses);
  } finally {
    share.release();
  }
  const passed: IncomingHttpHeaders = {};
  for (const name of passedOn) if (headers[name] !== undefined) passed[name] = headers[name];
  return {
    begin: (opened) => new ResponsesSession(context, opened, { dialling: context, inFlight, headers: passed }),
    giveUp() {},
  };
}
