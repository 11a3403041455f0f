import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { orderBranches } from '../../console/data/conversations.ts';
import { diffLines } from '../../console/data/diff.ts';
import { change, duration, money, percent, relative } from '../../console/data/format.ts';
import { makeLive, topicsFor } from '../../console/data/live.ts';
import { bodyOf, draftOf, emptyDraft } from '../../console/data/personas.ts';
import { ApiError, readProblem } from '../../console/data/problem.ts';
import { at, linkTo, matchPath, readPlace } from '../../console/data/route.ts';
import { readAnswered, readAsked } from '../../console/data/said.ts';
import { makeSessions, type Session, sessionOf } from '../../console/data/session.ts';

describe('figures of the console', () => {
  for (const [text, is] of [
    [money(0), '$0.00'],
    [money(12.345), '$12.35'],
    [money(0.0123), '$0.0123'],
    [money(0.00012), '$0.000120'],
    [money(0.0000000002), '<$0.000001'],
    [money(null), '–'],
    [duration(420), '420 ms'],
    [duration(1_840), '1.84 s'],
    [duration(125_000), '2 min 5 s'],
    [percent(0.25), '0.3 %'],
    [percent(97.4), '97 %'],
    [change(3, 2), '+50 %'],
    [change(1, 2), '−50 %'],
    [change(1, 0), undefined],
    [relative('2026-06-01T12:00:00Z', Date.parse('2026-06-01T15:00:00Z')), '3 h ago'],
    [relative('2026-06-01T12:10:00Z', Date.parse('2026-06-01T12:00:00Z')), 'in 10 min'],
  ] as const) {
    it(`are written ${is}`, () => assert.equal(text, is));
  }
});

describe('places in the console', () => {
  it('come back from their addresses', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })),
        (id, query) => {
          const place = readPlace(linkTo(at('/requests', id), query));
          assert.deepEqual({ ...place.query }, { ...query });
          assert.deepEqual(matchPath('/requests/:id', place.path), { id });
        },
      ),
    );
    assert.deepEqual(readPlace(''), { path: '/', query: {} });
    assert.equal(matchPath('/requests/:id', '/requests'), undefined);
  });
});

describe('the difference of two texts', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  it('has both of them in it, and no more changes than needed', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const without = (kind: string) => lines.filter((line) => line.kind !== kind).map((line) => line.text);
        const linesOf = (one: string) => (one === '' ? [] : one.split('\n'));
        assert.deepEqual(without('added'), linesOf(before));
        assert.deepEqual(without('removed'), linesOf(after));
        if (before === after) assert.ok(lines.every(({ kind }) => kind === 'same'));
      }),
    );
  });
});

describe('errors of the APIs', () => {
  const head = { status: 400, requestId: 'req_1', retryAfter: '5' };
  for (const [body, code, message, field] of [
    [
      { error: { message: 'No.', type: 'invalid_request_error', code: 'unknown_model', param: 'model' } },
      'unknown_model',
      'No.',
      'model',
    ],
    [
      { error: { code: 'limit_reached', message: 'No.', details: { field: 'a' }, request_id: 'req_2' } },
      'limit_reached',
      'No.',
      'a',
    ],
    [
      { error: true, code: 'invalid_request', message: 'Validation error', details: { text: 'Field is required' } },
      'invalid_request',
      'text is required',
      'text',
    ],
    [undefined, 'http_400', 'The server answered with status 400', undefined],
    ['<html>', 'http_400', 'The server answered with status 400', undefined],
  ] as const) {
    it(`are read: ${JSON.stringify(body)}`, () => {
      const problem = readProblem(body, head);
      assert.deepEqual([problem.code, problem.message, problem.field, problem.retryAfterS], [code, message, field, 5]);
    });
  }
});

describe('what was said', () => {
  for (const [body, words] of [
    [{ messages: [{ role: 'user', content: 'Hi' }] }, [['user', 'Hi']]],
    [
      { instructions: 'Be brief.', input: 'Hi' },
      [
        ['system', 'Be brief.'],
        ['user', 'Hi'],
      ],
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_text', text: 'a' }, { type: 'input_image' }] }] },
      [['user', 'a\n[input_image]']],
    ],
    [
      { system: 'S', messages: [{ role: 'assistant', content: [{ type: 'text', text: 'a' }] }] },
      [
        ['system', 'S'],
        ['assistant', 'a'],
      ],
    ],
    [{ model: 'x' }, undefined],
  ] as const) {
    it(`is read from a request: ${JSON.stringify(body)}`, () => {
      assert.deepEqual(
        readAsked(JSON.stringify(body))?.map(({ role, text }) => [role, text]),
        words,
      );
    });
  }
  for (const [body, words] of [
    [{ choices: [{ message: { content: 'a' } }] }, [['assistant', 'a']]],
    [
      { choices: [{ message: { content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] } }] },
      [['assistant', 'f({})']],
    ],
    [
      { output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }] },
      [['assistant', 'a']],
    ],
    [{ content: [{ type: 'text', text: 'a' }] }, [['assistant', 'a']]],
    [{ data: [{ embedding: [1] }] }, undefined],
  ] as const) {
    it(`is read from an answer: ${JSON.stringify(body)}`, () => {
      assert.deepEqual(
        readAnswered(JSON.stringify(body))?.map(({ role, text }) => [role, text]),
        words,
      );
    });
  }
  it('never throws', () => {
    fc.assert(fc.property(fc.json(), (text) => void [readAsked(text), readAnswered(text)]));
  });
});

describe('a sign-in', () => {
  const issued = (token: string, inS: number) => ({
    ...{ token, refresh_token: `r-${token}`, expires_at: new Date(inS * 1_000).toISOString() },
  });
  const storageOf = (session?: Session) => {
    const kept = new Map(session && [['chaperone-console', JSON.stringify(session)]]);
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
      removeItem: (name: string) => void kept.delete(name),
    };
    return { kept, storage };
  };

  it('is renewed once, a minute before it ends, whoever asks', async () => {
    const { storage } = storageOf(sessionOf(issued('a', 1_000)));
    let [nowS, renewals] = [900, 0];
    const sessions = makeSessions({
      ...{ storage, nowMs: () => nowS * 1_000 },
      async renew(refreshToken) {
        assert.equal(refreshToken, 'r-a');
        renewals += 1;
        return issued('b', 2_000);
      },
    });
    assert.equal(await sessions.freshToken(), 'a');
    nowS = 941;
    assert.deepEqual(await Promise.all([sessions.freshToken(), sessions.freshToken()]), ['b', 'b']);
    assert.equal(renewals, 1);
  });

  it('goes on with what it has where it cannot be renewed, and leaves nothing behind', async () => {
    const { kept, storage } = storageOf(sessionOf(issued('a', 1_000)));
    const sessions = makeSessions({ storage, nowMs: () => 999_000, renew: () => Promise.reject(new Error('No.')) });
    assert.equal(await sessions.freshToken(), 'a');
    sessions.end();
    assert.deepEqual([sessions.current(), kept.size], [undefined, 0]);
    assert.equal(
      makeSessions({
        storage: { ...storage, getItem: () => '{' },
        nowMs: Date.now,
        renew: () => Promise.reject(),
      }).current(),
      undefined,
    );
  });
});

describe('a persona in a form', () => {
  it('comes back as it was', () => {
    const persona = {
      ...{ id: '1', users: ['a', 'b'], name: 'n', description: null, content: 'c', model: 'm' },
      ...{ parameters: { temperature: 0.3 }, is_active: true, managed_by: null, created_at: '', updated_at: '' },
    };
    const { users, name, description, content, model, parameters, is_active } = persona;
    assert.deepEqual(bodyOf(draftOf(persona)), { users, name, description, content, model, parameters, is_active });
    assert.throws(() => bodyOf({ ...emptyDraft, parameters: '[1]' }), /must be an object/);
  });
});

describe('the branches of a conversation', () => {
  it('stand below those that they begin at, and none is lost', () => {
    const branch = (branchId: string, parentBranchId: string | null) => ({
      ...{ branchId, parentBranchId, forkedAfter: null, startedAt: '', lastCallAt: '' },
      ...{ calls: 1, messageCount: 1, totalTokens: 1 },
    });
    const nodes = orderBranches([
      branch('main', null),
      branch('b', 'main'),
      branch('c', 'gone'),
      branch('d', 'b'),
      branch('e', 'main'),
    ]);
    assert.deepEqual(
      nodes.map(({ branch: { branchId }, depth }) => [branchId, depth]),
      [
        ['main', 0],
        ['b', 1],
        ['d', 2],
        ['e', 1],
        ['c', 0],
      ],
    );
  });
});

describe('the stream of changes', () => {
  const refusal = (status: number) =>
    new ApiError(readProblem({}, { status, requestId: undefined, retryAfter: undefined }));
  const streamOf = (...chunks: string[]) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
  /** Follows what opens one after another gives, until it is refused. */
  const follow = async (...opens: (() => ReadableStream<Uint8Array>)[]) => {
    const told: string[] = [];
    const pauses: number[] = [];
    const { promise: refused, resolve: onRefused } = Promise.withResolvers<void>();
    const live = makeLive({
      async open() {
        const next = opens.shift();
        if (!next) throw refusal(401);
        return next();
      },
      onChanged: (topics) => told.push(...topics),
      onState: (isLive) => told.push(isLive ? 'live' : 'away'),
      onRefused,
      wait: async (ms) => void pauses.push(ms),
    });
    live.start();
    live.start();
    await refused;
    live.stop();
    return { told, pauses };
  };

  it('is read wherever it is cut, and opened again when it ends', async () => {
    const { told } = await follow(
      () => streamOf(':\n\nevent: rea', 'dy\ndata: {}\n', '\nevent: changed\ndata: {"topics":["requests","jobs"]}\n\n'),
      () => streamOf('event: ready\ndata: {}\n\n', 'event: changed\ndata: {"topics":["audit"]}\n\n'),
    );
    assert.deepEqual(
      told.filter((one) => one !== 'away'),
      ['live', 'requests', 'jobs', 'live', 'audit'],
    );
  });

  it('is opened ever less often while it cannot be had, and no more where it is refused', async () => {
    const fail = () => {
      throw refusal(503);
    };
    const { pauses } = await follow(fail, fail, fail, () => streamOf('event: ready\ndata: {}\n\n'), fail);
    assert.deepEqual(pauses, [1_000, 2_000, 5_000, 1_000, 2_000]);
  });

  it('has the topics of the roles', () => {
    assert.deepEqual(topicsFor(['member']), ['requests']);
    assert.deepEqual(topicsFor(['analyst']), ['requests', 'reviews']);
    assert.deepEqual(topicsFor(['admin']), ['requests', 'reviews', 'audit', 'webhooks', 'jobs']);
  });
});
