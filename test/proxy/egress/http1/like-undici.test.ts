import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Agent } from 'undici';
import { Http1Client } from '../../../../proxy/egress/http1/client.ts';
import { type Exchange, makeExchange } from '../../../../proxy/providers/exchange.ts';
import type { RoutedKey } from '../../../../proxy/snapshot/snapshot.ts';
import { atEnd, suiteScope } from '../../../scope.ts';
import { makeKey } from '../../snapshot.ts';
import { answerTexts, toPieces } from './answers.ts';
import { connectionsOf } from './own-connections.ts';
import { startRawServer } from './raw-server.ts';

/** What a caller sees of an answer. */
interface Seen {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
  /** Undefined: the answer is whole. */
  failure?: string;
  cause?: string;
}

/** Where our client is stricter on purpose, by its own words. RFC 9112 calls each of them an error. */
const stricter = [
  // undici takes all codings, but undoes only the last one.
  /Transfer-Encoding other than chunked/,
  // undici skips line breaks before an answer, and takes control characters and other versions in its first line.
  /does not begin with a status line|is not HTTP\/1.1/,
  // An interim answer has no body, so it has no length.
  /ends with an interim answer/,
  // Trailers say nothing about where the body ends.
  /has chunks that are not as they ought to be/,
];

const blankBehindLength = /content-length:[ \t]*\d+[ \t]/i;

suite('answers of all kinds, in pieces of all kinds', () => {
  const scope = suiteScope();
  let pieces: readonly Buffer[] = [];
  let key: RoutedKey;
  const agent = new Agent({ allowH2: false });
  const client = new Http1Client();
  atEnd(scope, () => agent.destroy());
  atEnd(scope, () => client.destroy());
  const overUndici = makeExchange(agent);
  const overOurs = makeExchange(connectionsOf(client));

  before(async () => {
    const server = await startRawServer(scope, {
      async onRequest(socket) {
        for (const piece of pieces) {
          socket.write(piece);
          await nextTurn();
        }
        socket.end();
      },
    });
    const made = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');
    key = { ...made, provider: { ...made.provider, origin: server.origin, basePath: '' } };
  });

  const ask = (exchange: Exchange): Promise<Seen> =>
    new Promise((resolve) => {
      const seen: Seen = { status: 0, headers: {}, body: '' };
      exchange(
        { method: 'POST', path: '/', key, headers: {}, body: '{}' },
        {
          head(status, headers) {
            seen.status = status;
            seen.headers = withoutBlanks(headers);
          },
          chunk(bytes) {
            seen.body += bytes.toString('latin1');
            return true;
          },
          end: () => resolve(seen),
          fail: ({ code, cause }) => resolve({ ...seen, failure: code, cause: String(cause) }),
        },
      );
    });

  test('are read as undici reads them, or refused', async () => {
    await fc.assert(
      fc.asyncProperty(answerTexts, fc.array(fc.nat(), { maxLength: 4 }), async (text, cuts) => {
        pieces = toPieces(text, cuts);
        const [theirs, ours] = [await ask(overUndici), await ask(overOurs)];
        if (theirs.failure !== undefined && blankBehindLength.test(text)) {
          // undici takes the blank for a digit.
          assert.ok(!ours.failure || isTold(theirs, ours, text));
        } else if (theirs.failure !== undefined) {
          assert.ok(ours.failure !== undefined, `undici refuses it: ${theirs.cause}`);
          assert.ok(isTold(theirs, ours, text), `${theirs.failure} (${theirs.cause}), ${ours.failure} (${ours.cause})`);
        } else if (!isStricter(ours, text)) {
          assert.deepEqual(ours, theirs);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function isStricter({ failure, cause = '' }: Seen, text: string): boolean {
  if (failure !== 'upstream_invalid_response') return false;
  // undici takes a second CR for the LF behind the first line.
  return stricter.some((words) => words.test(cause)) || (/\r(?!\n)/.test(text) && /header that is not one/.test(cause));
}

/** Whether both clients tell of the same kind of failure. */
function isTold(theirs: Seen, ours: Seen, text: string): boolean {
  if (theirs.failure === ours.failure || isStricter(ours, text)) return true;
  // To undici, an answer is too short if anything else is wrong with it and its length was read before.
  if (ours.failure === 'upstream_invalid_response') return /length|closed/.test(theirs.cause ?? '');
  // The end came before it was clear that the rest could be nothing valid.
  return theirs.failure === 'upstream_invalid_response' && /closed the connection/.test(ours.cause ?? '');
}

/** undici leaves the blanks behind a value. */
function withoutBlanks(headers: Readonly<Record<string, string | string[]>>): Seen['headers'] {
  const trim = (text: string) => text.replace(/[ \t]+$/, '');
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(trim) : trim(value)]),
  );
}
