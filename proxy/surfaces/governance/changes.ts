import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { ProxyError } from '../../error.ts';
import { type TopicName, topicNames } from '../../governance/changes/topics.ts';
import { makeWatchChanges } from '../../governance/changes/watch.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { setEventHeaders } from '../../http/event-stream.ts';
import type { Route } from '../../http/route.ts';
import { openAiEnvelope } from '../openai/envelope.ts';

const aliveMs = 15_000;

const description = [
  'Server-sent events that say what has changed, and not how: ask the API again. `ready` comes when every change from',
  'then on will be told, `changed` with the `topics` in which something has, and `end` with an `error` when the',
  'credential is not accepted any more, or the proxy stops. Changes that a slow reader has not read yet become one event.',
].join(' ');

/** `GET /v1/changes`: what has changed, as it does. */
export const changes: Route<GovernanceContext> = (app, context) => {
  const watch = makeWatchChanges(context);
  app.route({
    method: 'GET',
    url: '/changes',
    schema: {
      tags: ['Changes'],
      summary: 'Hear what changes',
      description,
      querystring: Type.Object({
        topics: Type.String({
          ...{ minLength: 1, maxLength: 200, example: 'requests,jobs' },
          description:
            'With commas: `requests`, recorded calls, your own, or for who sees the organization all; `reviews` for an analyst or reviewer; `audit`, `webhooks` (and their deliveries) and `jobs` for an admin.',
        }),
      }),
      problems: ['role_required', 'overloaded'],
      roles: 'everyone for `requests`; the others by role',
      answers: { 200: { description: 'The events.', content: { 'text/event-stream': {} } } },
    },
    handler({ caller, query, findCaller, id }, reply) {
      const topics = readTopics(query.topics);
      const stream = new ChangeStream();
      try {
        const stop = watch({
          ...{ caller, topics },
          findAgain: findCaller,
          began: () => stream.say('ready', {}),
          changed: (names) => stream.changed(names),
          ended: (problem) => stream.finish('end', openAiEnvelope.show(problem, id)),
        });
        stream.once('close', stop);
      } catch (error) {
        stream.destroy();
        throw error;
      }
      setEventHeaders(reply);
      return reply.send(stream);
    },
  });
};

/** @throws {ProxyError} `invalid_request` */
function readTopics(text: string): TopicName[] {
  return [...new Set(text.split(','))].map((stated) => {
    const known = topicNames.find((name) => name === stated);
    if (known) return known;
    const message = `topics must name some of ${topicNames.join(', ')}, with commas in between`;
    throw new ProxyError('invalid_request', { param: 'topics', message });
  });
}

/** Writes no faster than its client reads: meanwhile it only remembers which topics have changed. */
class ChangeStream extends Readable {
  readonly #waiting = new Set<TopicName>();
  readonly #alive = setInterval(() => this.#isWanted && this.push(':\n\n'), aliveMs).unref();
  #isWanted = false;

  constructor() {
    super({ highWaterMark: 1_024 });
    this.once('close', () => clearInterval(this.#alive));
  }

  override _read(): void {
    this.#isWanted = true;
    this.#flush();
  }

  changed(topics: readonly TopicName[]): void {
    for (const name of topics) this.#waiting.add(name);
    this.#flush();
  }

  say(event: string, data: object): void {
    if (!this.destroyed) this.#isWanted = this.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** The last event. */
  finish(event: string, data: object): void {
    this.say(event, data);
    this.push(null);
  }

  #flush(): void {
    if (!this.#isWanted || this.#waiting.size === 0) return;
    const topics = [...this.#waiting];
    this.#waiting.clear();
    this.say('changed', { topics });
  }
}
