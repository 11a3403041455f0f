import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StoredPoint } from '../../../database/conversations.ts';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { type Asked, type Linked, makeLink } from '../../../proxy/conversations/links.ts';
import type { LookUpPoint } from '../../../proxy/conversations/look-up.ts';

const organizationId = '7afa621f-ee3d-49ed-95e8-51bc9aa1b9ce';
const envelope = makeEnvelope(generateDataKeys());
const fork = /^branch-[0-9a-f]{8}$/;

type Message = Readonly<Record<string, unknown>>;
type Call = readonly Message[] | Partial<Asked>;

/** A proxy. `stored`: what the database says of any point; `hasBytes`: whether it has the bytes of bodies. */
function makeProxy(stored?: StoredPoint, hasBytes = true) {
  const ways: string[] = [];
  const lookUp: LookUpPoint = (_, isWanted, onFound) => {
    if (stored && isWanted()) onFound(stored);
  };
  const link = makeLink({ organizationId, lookUp, onLinked: (way) => ways.push(way) });
  const ask = (call: Call): Linked => {
    const asked = 'length' in call ? { body: { messages: call } } : call;
    const raw = hasBytes ? Buffer.from(JSON.stringify({ model: 'm', ...asked.body, stream: true })) : undefined;
    const linked = link({ operation: 'chat', body: {}, raw, userId: 'ada', session: undefined, ...asked }, envelope);
    assert.ok(linked);
    return linked;
  };
  return { ask, ways };
}

function placesOf(calls: readonly Call[]): { readonly conversations: number; readonly branches: readonly string[] } {
  const { ask } = makeProxy();
  const places = calls.map((call) => ask(call).place);
  return {
    conversations: new Set(places.map(({ conversationId }) => conversationId)).size,
    branches: places.map(({ branchId }) => branchId),
  };
}

const system = (content: string) => ({ role: 'system', content });
const user = (content: string) => ({ role: 'user', content });
const model = (content: string) => ({ role: 'assistant', content });
const uses = (id: string, ...names: readonly string[]) => ({
  role: 'assistant',
  content: null,
  tool_calls: names.map((name, index) => ({
    id: `${id}${index}`,
    type: 'function',
    function: { name, arguments: '{}' },
  })),
});
const result = (id: string, content: string) => ({ role: 'tool', tool_call_id: id, content });
const long = (what: string, length = 3_000) => `${'x'.repeat(length / 2)}${what}${'y'.repeat(length / 2)}`;
const ofInput = (input: unknown, more: object = {}): Partial<Asked> => ({
  operation: 'responses',
  body: { input, ...more },
});
const ofAnthropic = (...messages: readonly Message[]): Partial<Asked> => ({
  operation: 'messages',
  body: { messages },
});

const beginning = [user('What is the weather in Rome?'), model('Sunny, I think.')];
const talk = [
  ...beginning,
  user('And in Milan, please?'),
  model('Rain.'),
  user('And in Turin, please?'),
  model('Fog.'),
];

/** The table of docs/conversations.md: calls of one conversation that stay on `main`. */
const staying: Readonly<Record<string, readonly Call[]>> = {
  'the same call again': [
    beginning.slice(0, 1),
    beginning.slice(0, 1),
    [...beginning, user('Sure?')],
    [...beginning, user('Sure?')],
  ],
  'the next calls of a conversation': [talk.slice(0, 1), talk.slice(0, 3), talk.slice(0, 5), [...talk, user('Thanks')]],
  'another system prompt': [
    [system('Be brief.'), ...talk.slice(0, 1)],
    [system('Be long.'), ...talk.slice(0, 3)],
    [...talk.slice(0, 2), system('Be kind.'), ...talk.slice(2, 5)],
  ],
  'a round of tools': [
    [user('Weather?')],
    [user('Weather?'), uses('a', 'look'), result('a0', 'sunny')],
    [user('Weather?'), uses('a', 'look'), result('a0', 'sunny'), model('Sunny'), user('Thanks')],
  ],
  'results of parallel tools in another order, with other ids': [
    [user('Weather?')],
    [user('Weather?'), uses('a', 'one', 'two'), result('a0', 'sunny'), result('a1', 'rain')],
    [user('Weather?'), uses('b', 'one', 'two'), result('b1', 'rain'), result('b0', 'sunny')],
    [user('Weather?'), uses('c', 'one', 'two'), result('c1', 'rain'), result('c0', 'sunny'), model('Both'), user('Oh')],
  ],
  'rounds of tools of Anthropic’s API, with cache marks and without reasoning': [
    ofAnthropic(user('Weather?')),
    ofAnthropic(
      { role: 'user', content: [{ type: 'text', text: 'Weather?', cache_control: { type: 'ephemeral' } }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 's' },
          { type: 'tool_use', id: 'a', name: 'one', input: { x: 1 } },
          { type: 'tool_use', id: 'b', name: 'two', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: 'sunny' },
          { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'rain' }] },
        ],
      },
    ),
    ofAnthropic(
      user('Weather?'),
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a', name: 'one', input: { x: 1 } },
          { type: 'tool_use', id: 'b', name: 'two', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'b', content: 'rain' },
          { type: 'tool_result', tool_use_id: 'a', content: 'sunny', cache_control: { type: 'ephemeral' } },
        ],
      },
      model('Both'),
      user('Oh'),
    ),
  ],
  'a beginning of the answer': [
    beginning,
    [...beginning, user('Go on'), model('{"')],
    [...beginning, user('Go on'), model('{"a":1}'), user('More')],
  ],
  'a greeting of the model': [
    [model('How can I help?'), user('Hi')],
    [model('How can I help?'), user('Hi'), model('Hello'), user('Weather?')],
  ],
  'items of the Responses API, with reasoning and ids': [
    ofInput('Weather?'),
    ofInput([
      { role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'function_call', call_id: 'c1', id: 'fc_1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'sunny' },
    ]),
    ofInput([
      { type: 'message', role: 'user', content: 'Weather?' },
      { type: 'function_call', call_id: 'c2', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c2', output: 'sunny' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Sunny', annotations: [] }] },
      { role: 'user', content: 'Thanks' },
    ]),
  ],
  'POST /v1/responses/compact, and its item in place of the history': [
    ofInput([user('What is the weather in Rome?')]),
    ofInput(talk.slice(0, 3)),
    ofInput(talk.slice(0, 5)),
    { operation: 'compact', body: { input: talk } },
    ofInput([talk[2], talk[4], { type: 'compaction', encrypted_content: 'opaque' }, user('Thanks')]),
    ofInput([
      talk[2],
      talk[4],
      { type: 'compaction', encrypted_content: 'opaque' },
      user('Thanks'),
      model('Welcome'),
      user('Bye'),
    ]),
  ],
  'the oldest messages are missing': [
    talk.slice(0, 1),
    talk.slice(0, 3),
    talk.slice(0, 5),
    [...talk.slice(2), user('And in Genoa, please?')],
    [...talk.slice(4), user('And in Genoa, please?'), model('Wind.'), user('And in Pisa, please?')],
  ],
  'old results of tools are emptied': [
    [user('Read both files, please'), uses('a', 'read'), result('a0', 'one')],
    [
      user('Read both files, please'),
      uses('a', 'read'),
      result('a0', 'one'),
      uses('b', 'read'),
      result('b0', 'the second file'),
    ],
    [
      ...[user('Read both files, please'), uses('a', 'read'), result('a0', '[cleared]'), uses('b', 'read')],
      ...[result('b0', 'the second file'), model('Done'), user('Thanks')],
    ],
  ],
};

describe('calls of one conversation stay on main:', () => {
  for (const [name, calls] of Object.entries(staying)) {
    test(name, () => {
      assert.deepEqual(placesOf(calls), { conversations: 1, branches: calls.map(() => 'main') });
    });
  }

  test('a summary in place of the history, in a session that the client names', () => {
    const inSession = (messages: readonly Message[], session = 's'): Partial<Asked> => ({
      body: { messages },
      session,
    });
    const summary = user('This session is being continued from a previous conversation that ran out of context. …');
    const calls = [
      inSession(talk.slice(0, 3)),
      inSession(talk.slice(0, 5)),
      inSession([summary]),
      inSession([summary, model('Ok'), user('Go on')]),
    ];
    assert.deepEqual(placesOf(calls), { conversations: 1, branches: calls.map(() => 'main') });
    assert.equal(placesOf([...calls.slice(0, 2), inSession([summary], 'other')]).conversations, 2);
  });

  test('a failed call, then another one in its place', () => {
    const { ask } = makeProxy();
    ask(beginning.slice(0, 1));
    ask([...beginning, user('Refused')]).withdraw();
    assert.equal(ask([...beginning, user('Said in another way')]).place.branchId, 'main');
  });

  test('calls of one conversation of the Conversations API', () => {
    const calls = ['One', 'Two', 'One'].map((input) => ofInput(input, { conversation: 'conv_1' }));
    const asObject = ofInput('Three', { conversation: { id: 'conv_1' } });
    assert.deepEqual(placesOf([...calls, asObject]), { conversations: 1, branches: ['main', 'main', 'main', 'main'] });
  });
});

describe('a branch begins with', () => {
  const branchesOf = (...calls: readonly Call[]) => {
    const { conversations, branches } = placesOf(calls);
    assert.equal(conversations, 1);
    return branches;
  };

  test('another continuation of a point, and goes on', () => {
    const other = [...beginning, user('And in Genoa, please?')];
    const [, main, branch, again, next, nextOfMain] = branchesOf(
      ...[talk.slice(0, 1), talk.slice(0, 3), other, other],
      ...[[...other, model('Wind'), user('Thanks')], talk.slice(0, 5)],
    );
    assert.deepEqual([main, nextOfMain], ['main', 'main']);
    assert.match(String(branch), fork);
    assert.deepEqual([again, next], [branch, branch]);
  });

  test('the same message after another answer', () => {
    const [, , branch] = branchesOf(
      [user('Hi')],
      [user('Hi'), model('A'), user('More')],
      [user('Hi'), model('B'), user('More')],
    );
    assert.match(String(branch), fork);
  });

  test('an edited message in the middle', () => {
    const [, , , branch] = branchesOf(talk.slice(0, 1), talk.slice(0, 3), talk.slice(0, 5), [
      ...beginning,
      user('Edited, please'),
    ]);
    assert.match(String(branch), fork);
  });

  for (const length of [100, 3_000, 60_000]) {
    test(`a message of ${length} characters that differs in its middle alone, and has the same answer`, () => {
      const { ask } = makeProxy();
      const other = makeProxy();
      const said = ['one', 'two'].map((what) => [...beginning, user(long(what, length))]);
      const [main, forked] = said.map((call) => ask(call).place);
      assert.deepEqual([main?.branchId, fork.test(forked?.branchId ?? '')], ['main', true]);
      const next = said.map((call) => [...call, model('Done.'), user('And now?')]);
      const places = next.map((call) => ask(call).place);
      assert.deepEqual(
        places.map(({ branchId, parentDigest }) => ({ branchId, parentDigest })),
        [main, forked].map((place) => ({ branchId: place?.branchId, parentDigest: place?.messageDigest })),
      );
      // Another proxy finds the same points, by the digests alone.
      const found = next.map((call) => other.ask(call).place.parentDigest);
      assert.deepEqual(found, [main?.messageDigest, forked?.messageDigest]);
    });
  }
  test('a long message that differs in its middle alone', () => {
    const [, , branch, again] = branchesOf(
      ...[beginning.slice(0, 1), [...beginning, user(long('one'))]],
      ...[
        [...beginning, user(long('two'))],
        [...beginning, user(long('two'))],
      ],
    );
    assert.match(String(branch), fork);
    assert.equal(again, branch);
  });

  test('another input after the same response, and goes on with its response', () => {
    const { ask } = makeProxy();
    const follow = (input: string, previous: Linked) =>
      ask({ ...ofInput(input, { previous_response_id: 'resp_1' }), previous: previous.place });
    const first = ask(ofInput('Hi'));
    const [main, branch, again] = [follow('One', first), follow('Two', first), follow('Two', first)];
    assert.deepEqual([main.place.branchId, again.place.branchId], ['main', branch.place.branchId]);
    assert.match(branch.place.branchId, fork);
    assert.deepEqual(follow('More', branch).place.branchId, branch.place.branchId);
    assert.equal(branch.place.conversationId, first.place.conversationId);
    assert.equal(branch.place.parentDigest, first.place.messageDigest);
  });
});

test('users, sessions and beginnings have conversations of their own', () => {
  const body = { messages: [user('Hi')] };
  const asked: Partial<Asked>[] = [
    { body },
    { body, userId: 'bob' },
    { body, session: 's' },
    { body, session: '' },
    { body: { messages: [user('Hi!')] } },
    { body: { messages: [user('Hi'), user('there')] } },
    { body: { messages: [user('Hi there')] } },
  ];
  assert.equal(placesOf(asked).conversations, asked.length);
});

test('calls that are none of texts have no conversation', () => {
  const link = makeLink({ organizationId, lookUp() {}, onLinked() {} });
  assert.equal(
    link({ operation: 'embeddings', body: { input: 'Hi' }, userId: 'ada', session: undefined }, envelope),
    undefined,
  );
});

test('another proxy gives the same conversation, and another organization’s key another one', () => {
  const body = { messages: talk.slice(0, 5) };
  const [one, other] = [makeProxy(), makeProxy()].map(({ ask }) => ask({ body }).place);
  assert.deepEqual(one, other);
  const asked = { operation: 'chat', body, userId: 'ada', session: undefined } as const;
  const strange = makeLink({ organizationId, lookUp() {}, onLinked() {} })(asked, makeEnvelope(generateDataKeys()));
  assert.notEqual(strange?.place.conversationId, one?.conversationId);
  assert.notEqual(strange?.place.messageDigest, one?.messageDigest);
});

test('the ids stay when data keys are replaced', () => {
  const former = { ...generateDataKeys(), issuedAtS: {} };
  const added = generateDataKeys();
  const rotated = {
    current: added.current,
    keys: { ...added.keys, ...former.keys },
    issuedAtS: { [former.current]: 1, [added.current]: 2 },
  };
  const asked = { operation: 'chat', body: { messages: talk.slice(0, 1) }, userId: 'ada', session: undefined } as const;
  const link = makeLink({ organizationId, lookUp() {}, onLinked() {} });
  assert.deepEqual(link(asked, makeEnvelope(rotated))?.place, link(asked, makeEnvelope(former))?.place);
});

describe('a call whose predecessor another proxy has answered', () => {
  const resolve = (stored: StoredPoint | undefined, isOpen = true) => {
    const { ask, ways } = makeProxy(stored);
    const linked = ask(talk.slice(0, 5));
    assert.deepEqual(ways, ['unknown']);
    let branch = linked.place.branchId;
    linked.resolve?.({
      isOpen: () => isOpen,
      move: (branchId) => {
        branch = branchId;
      },
    });
    const next = ask([...talk, user('Thanks')]).place.branchId;
    assert.equal(next, branch, 'the next call is on the branch that was told');
    return { branch, digest: linked.place.messageDigest };
  };

  test('stays on main where nothing is known', () => {
    assert.equal(resolve(undefined).branch, 'main');
  });

  test('is on the branch that is stored', () => {
    assert.equal(resolve({ branchId: 'branch-0123abcd', first: undefined }).branch, 'branch-0123abcd');
    const { digest } = resolve(undefined);
    assert.equal(resolve({ branchId: 'branch-0123abcd', first: digest }).branch, 'branch-0123abcd');
  });

  test('begins a branch where another continuation is stored', () => {
    assert.match(resolve({ branchId: 'main', first: 1 }).branch, fork);
  });

  test('is where the header said, if the answer was there first', () => {
    assert.equal(resolve({ branchId: 'main', first: 1 }, false).branch, 'main');
  });
});

test('any two continuations of a point are two branches, and each of them stays one', () => {
  const said = fc.string({ minLength: 1, maxLength: 400 }).filter((text) => text.trim() === text);
  fc.assert(
    fc.property(
      fc.array(said, { minLength: 2, maxLength: 6 }),
      fc.uniqueArray(said, { minLength: 2, maxLength: 5 }),
      (past, nexts) => {
        const { ask } = makeProxy();
        const history = past.map((text, index) => (index % 2 === 0 ? user(text) : model(text)));
        if (history.length % 2 === 1) history.push(model('answer'));
        for (let end = 1; end < history.length; end += 2) ask(history.slice(0, end));
        const branches = nexts.map((text) => ask([...history, user(text)]).place.branchId);
        assert.equal(new Set(branches).size, nexts.length);
        assert.equal(branches[0], 'main');
        const again = nexts.map((text) => ask([...history, user(text)]).place.branchId);
        assert.deepEqual(again, branches);
        const on = nexts.map((text) => ask([...history, user(text), model('yes'), user('go on')]).place.branchId);
        assert.deepEqual(on, branches);
      },
    ),
  );
});

test('a proxy that has seen a conversation gives its calls the same places as one that has not', () => {
  const said = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ minLength: 400, maxLength: 700 }));
  fc.assert(
    fc.property(fc.array(said, { minLength: 3, maxLength: 12 }), (texts) => {
      const { ask } = makeProxy();
      const messages = texts.map((text, index) => (index % 2 === 0 ? user(text) : model(text)));
      for (let end = 1; end <= messages.length; end += 2) {
        const call = messages.slice(0, end);
        assert.deepEqual(digestsOf(ask(call)), digestsOf(makeProxy().ask(call)));
      }
    }),
  );
});

test('the bytes of bodies change no place', () => {
  const text = fc.oneof(fc.constantFrom('yes', 'no', 'naïve "?"', ''), fc.string({ minLength: 400, maxLength: 700 }));
  const role = fc.constantFrom(user, user, model, model, system, (said: string) => result('a', said), uses);
  // Each call has the first messages of the one before, and others after them.
  const call = fc.tuple(fc.nat({ max: 8 }), fc.array(fc.tuple(role, text), { minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(call, { minLength: 2, maxLength: 10 }), (calls) => {
      const [withBytes, without] = [makeProxy(), makeProxy(undefined, false)];
      let messages: Message[] = [user('What is the weather in Rome?')];
      for (const [kept, added] of calls) {
        assert.deepEqual(withBytes.ask(messages).place, without.ask(messages).place);
        messages = [...messages.slice(0, messages.length - (kept % 4)), ...added.map(([of, said]) => of(said))];
      }
      assert.deepEqual(withBytes.ways, without.ways);
    }),
    {
      examples: [
        // The greeting of a model is no answer, and nor is what it adds to that.
        [
          [
            [1, [[model, 'yes']]],
            [
              0,
              [
                [model, 'no'],
                [user, ''],
              ],
            ],
            [0, [[user, 'yes']]],
          ],
        ],
      ],
    },
  );
});

test('so do calls with results of tools in another order, and with more than one message at a time', () => {
  const calls = [
    [user('Weather?')],
    [user('Weather?'), uses('a', 'one', 'two'), result('a0', 'sunny'), result('a1', 'rain')],
    [
      ...[user('Weather?'), uses('a', 'one', 'two'), result('a1', 'rain'), result('a0', 'sunny')],
      ...[model('Both'), model('I mean it'), user('Oh'), user('Well')],
    ],
    [
      ...[user('Weather?'), uses('a', 'one', 'two'), result('a0', 'sunny'), result('a1', 'rain')],
      ...[model('Both'), model('I mean it'), user('Oh'), user('Well'), model('Yes'), user('Thanks')],
    ],
  ];
  const { ask } = makeProxy();
  const warm = calls.map((call) => digestsOf(ask(call)));
  assert.deepEqual(
    warm,
    calls.map((call) => digestsOf(makeProxy().ask(call))),
  );
  for (const [index, { parentDigest }] of warm.entries()) assert.equal(parentDigest, warm[index - 1]?.messageDigest);
});

function digestsOf({ place: { conversationId, messageDigest, parentDigest } }: Linked) {
  return { conversationId, messageDigest, parentDigest };
}
