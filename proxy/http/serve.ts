import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Nearest } from './nearest.ts';
import type { Refusals, RefusedRequest } from './refusals.ts';
import { makeRequestId } from './request-id.ts';
import type { KitContext, Surface } from './surface.ts';
import { unknownPath } from './unknown-path.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A request that no surface takes. Its path is the client's own text. */
const unrouted = ({ method = '' }: IncomingMessage): RefusedRequest => ({
  requestId: makeRequestId(Date.now()),
  caller: undefined,
  route: method,
});

/**
 * Makes the function that answers a request by the surface that it is for. The first request loads a surface, and the
 * framework with the first surface.
 */
export function serveSurfaces<Context extends KitContext>(
  choose: (request: IncomingMessage) => Nearest<Surface<Context>>,
  context: Context,
  refusals: Refusals,
): Answer {
  const answers = new Map<Surface<Context>, Answer>();
  const opening = new Map<Surface<Context>, Promise<Answer>>();

  const load = async (surface: Surface<Context>): Promise<Answer> => {
    try {
      const { openSurface } = await import('./open-surface.ts');
      const answer = await openSurface(surface, context, refusals);
      answers.set(surface, answer);
      return answer;
    } finally {
      opening.delete(surface);
    }
  };
  const open = (surface: Surface<Context>): Promise<Answer> => {
    const loading = opening.get(surface) ?? load(surface);
    opening.set(surface, loading);
    return loading;
  };

  return (request, response) => {
    const { surface, isWithin } = choose(request);
    const refuse = (error: unknown) => {
      if (surface.countsRequests) context.rates(surface.countsRequests).greet(request, response);
      refusals.refuse(response, surface.envelope, unrouted(request), error);
    };
    const answer = answers.get(surface);
    if (!isWithin) refuse(unknownPath(request, 'beside'));
    else if (answer) answer(request, response);
    else open(surface).then((opened) => opened(request, response), refuse);
  };
}
