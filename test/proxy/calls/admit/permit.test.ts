import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeAdmission } from '../../../../proxy/calls/admit/admission.ts';
import { makePermit, type Permitted } from '../../../../proxy/calls/admit/permit.ts';
import type { InForce } from '../../../../proxy/calls/context.ts';
import type { Ownership } from '../../../../proxy/calls/resources/ownership.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { chat } from '../../../../proxy/operations/chat.ts';
import { embeddings } from '../../../../proxy/operations/embeddings.ts';
import { responses } from '../../../../proxy/operations/responses.ts';
import { providerTable } from '../../../../proxy/providers/table.ts';
import { makeModelNames } from '../../../../proxy/snapshot/model-rules.ts';
import type { Persona, Snapshot } from '../../../../proxy/snapshot/snapshot.ts';
import { makeKey, makeSnapshot } from '../../snapshot.ts';
import { makeCallContext } from '../context.ts';
import { makePersona } from '../persona.ts';

const key = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');
const onlyMini = (model: string | undefined) => model === 'gpt-4o-mini';
const persona = makePersona({ model: 'gpt-4o-mini', parameters: { temperature: 0.5 } });
const call = { model: 'gpt-4o', input: 'Hi' };

/** What Ann may refer to was made by the only key, in the session `sess_before`. */
const ownership: Pick<Ownership, 'requireAll'> = {
  async requireAll(references, { user }) {
    if (user !== 'ann') throw new ProxyError('resource_not_found', { param: references[0]?.param ?? '' });
    return { apiKeyId: key.id, predecessor: { sessionId: 'sess_before' } } as Awaited<
      ReturnType<Ownership['requireAll']>
    >;
  },
};

const withPersonas = (...personas: readonly Persona[]): Partial<Snapshot> => ({
  organizationKeys: [key],
  keys: new Map([[key.id, key]]),
  personas: new Map(personas.map((one) => [one.id, one])),
});

interface Given {
  readonly snapshot?: Partial<Snapshot>;
  /** What is in force after the proxy has caught up with the database. */
  readonly caughtUp?: Partial<Snapshot>;
  readonly operation?: typeof responses;
  readonly user?: string;
  readonly catchUp?: () => Promise<void>;
  readonly refusesUsageOption?: boolean;
}

/** A permission of a body as it comes from a client, and how often the proxy caught up with the database for it. */
function permitting(body: unknown, given: Given = {}) {
  const { snapshot, caughtUp, operation = responses, user = 'ann', catchUp, refusesUsageOption = false } = given;
  const counts = { catchUps: 0 };
  const permit = makePermit({
    inForce: () => ({ snapshot: makeSnapshot({ ...withPersonas(persona), ...snapshot, ...caughtUp }) }) as InForce,
    catchUp: async () => {
      counts.catchUps += 1;
      await catchUp?.();
    },
    admission: makeAdmission({
      ownership: ownership as Ownership,
      exchange: () => assert.fail(),
      guardrails: { check: () => undefined },
      ownChecks: {},
    }),
    providers: providerTable,
    usageRefusals: { has: () => refusesUsageOption },
  });
  const rawBody = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const context = makeCallContext({ ...withPersonas(persona), ...snapshot }, { user });
  return { permitted: () => permit({ context, operation, rawBody }), context, counts, rawBody };
}

const sentBody = ({ first }: Permitted) => JSON.parse(String(first.body));

describe('a permitted call', () => {
  test('is known without waiting where it refers to nothing', () => {
    const { permitted, context, rawBody, counts } = permitting(call);
    const result = permitted();
    assert.ok(!(result instanceof Promise));
    assert.equal(result.first.body, rawBody, 'the client’s own bytes go upstream');
    assert.deepEqual([result.source.model, result.first.key, result.source.persona], ['gpt-4o', key, undefined]);
    assert.equal(result.context, context);
    assert.equal(result.first.format, providerTable.openai.formats.responses);
    assert.equal(counts.catchUps, 0);
  });

  test('has the persona applied to what is judged and to what goes upstream, but not its id', async () => {
    const result = await permitting({ input: 'Hi', persona_id: persona.id.toUpperCase() }).permitted();
    const expected = { input: 'Hi', model: 'gpt-4o-mini', instructions: 'Be kind.', temperature: 0.5 };
    assert.deepEqual(result.source.body, expected);
    assert.deepEqual(sentBody(result), expected);
    assert.deepEqual([result.source.persona, result.source.model], [persona, 'gpt-4o-mini']);
  });

  test('has no persona where persona_id is null, which does not go upstream', async () => {
    const result = await permitting({ ...call, persona_id: null }).permitted();
    assert.equal(result.source.persona, undefined);
    assert.deepEqual(sentBody(result), call);
  });

  test('names the model upstream as its provider does', async () => {
    const names = makeModelNames([{ name: 'gpt-4o', as: 'deployment-1' }]);
    const renaming = { ...key, provider: { ...key.provider, names } };
    const result = await permitting(call, { snapshot: { organizationKeys: [renaming] } }).permitted();
    assert.deepEqual([result.source.model, sentBody(result)], ['gpt-4o', { ...call, model: 'deployment-1' }]);
  });

  test('takes the session from what it refers to', async () => {
    const body = { ...call, previous_response_id: 'resp_1' };
    const result = await permitting(body, { snapshot: { sessionSources: new Set(['PreviousResponse']) } }).permitted();
    assert.equal(result.context.caller.sessionId, 'sess_before');
    const plain = await permitting(body).permitted();
    assert.equal(plain.context.caller.sessionId, 'sess_1');
  });

  const streams: readonly (readonly [name: string, body: object, refusesUsageOption: boolean, isAskedFor: boolean])[] =
    [
      ['asks for the usage of a stream', { stream: true }, false, true],
      ['does not ask for it where the provider refuses that', { stream: true }, true, false],
      ['does not ask for it without a stream', {}, false, false],
      ['does not ask for it twice', { stream: true, stream_options: { include_usage: true } }, false, false],
    ];
  for (const [name, changes, refusesUsageOption, isAskedFor] of streams) {
    test(name, async () => {
      const body = { model: 'gpt-4o', messages: [], ...changes };
      const { first: sent } = await permitting(body, { operation: chat, refusesUsageOption }).permitted();
      assert.equal(sent.hideUsage, isAskedFor);
      assert.equal(
        JSON.parse(String(sent.body)).stream_options?.include_usage === true,
        isAskedFor || 'stream_options' in body,
      );
    });
  }
});

describe('a call may not be made', () => {
  const rows: readonly (readonly [why: string, body: unknown, given: Given, code: string, param: string | null])[] = [
    ['that is no JSON', '{', {}, 'invalid_json', null],
    ['that is no object', '[]', {}, 'invalid_json', null],
    ['that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, 'invalid_json', null],
    ['without a model', { input: 'Hi' }, {}, 'invalid_request', 'model'],
    ['with a model that is not allowed', call, { snapshot: { allowsModel: onlyMini } }, 'model_not_allowed', 'model'],
    [
      'with a persona whose model is not allowed',
      { input: 'Hi', persona_id: persona.id },
      { snapshot: { allowsModel: (model) => model === 'gpt-4o' } },
      'model_not_allowed',
      'model',
    ],
    ['with a persona by its name', { ...call, persona_id: 'support' }, {}, 'persona_not_found', 'persona_id'],
    ['with a persona id that is no text', { ...call, persona_id: 7 }, {}, 'persona_not_found', 'persona_id'],
    [
      'with an inactive persona',
      { ...call, persona_id: persona.id },
      { snapshot: withPersonas(makePersona({ isActive: false })) },
      'persona_not_found',
      'persona_id',
    ],
    [
      'with another user’s persona',
      { ...call, persona_id: persona.id },
      { snapshot: withPersonas(makePersona({ users: new Set(['bob']) })) },
      'persona_not_found',
      'persona_id',
    ],
    [
      'with a persona, where the API has none',
      { ...call, persona_id: persona.id },
      { operation: embeddings },
      'persona_not_supported',
      'persona_id',
    ],
    [
      'that refers to what is another user’s',
      { ...call, previous_response_id: 'resp_1' },
      { user: 'bob' },
      'previous_response_not_found',
      'previous_response_id',
    ],
    [
      'that refers to what is another user’s, with a persona',
      { ...call, persona_id: persona.id, previous_response_id: 'resp_1' },
      { user: 'bob' },
      'previous_response_not_found',
      'previous_response_id',
    ],
    ['without a key', call, { snapshot: { organizationKeys: [] } }, 'no_api_key', null],
    [
      'of an API that is not served, whatever its body is',
      'no JSON',
      { snapshot: { surfaces: new Set(['chat']) } },
      'surface_not_allowed',
      null,
    ],
  ];
  for (const [why, body, given, code, param] of rows) {
    test(why, async () => assert.rejects(async () => permitting(body, given).permitted(), { code, param }));
  }
});

describe('a persona that is unknown here', () => {
  const body = { ...call, persona_id: persona.id };
  const unknown = withPersonas();

  test('is applied where it is in force after the proxy caught up, and so is all of that configuration', async () => {
    const now = { ...withPersonas(persona), version: 2 };
    const { permitted, counts } = permitting(body, { snapshot: unknown, caughtUp: now });
    const result = await permitted();
    assert.equal(result.source.persona, persona);
    assert.equal(result.context.inForce.snapshot.version, 2);
    assert.equal(counts.catchUps, 1);
  });

  test('is judged by the rules of the newer configuration', async () => {
    const now = { ...withPersonas(persona), allowsModel: onlyMini };
    const { permitted } = permitting(body, { snapshot: unknown, caughtUp: now });
    await assert.rejects(async () => permitted(), { code: 'model_not_allowed' });
  });

  test('is not found where it is still unknown, after one look', async () => {
    const { permitted, counts } = permitting(body, { snapshot: unknown });
    await assert.rejects(async () => permitted(), { code: 'persona_not_found' });
    assert.equal(counts.catchUps, 1);
  });

  test('is not found where the database is away', async () => {
    const away = async () => {
      throw new ProxyError('store_unavailable');
    };
    const { permitted } = permitting(body, { snapshot: unknown, catchUp: away });
    await assert.rejects(async () => permitted(), { code: 'persona_not_found' });
  });
});
