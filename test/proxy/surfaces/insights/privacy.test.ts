import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Insights, setSpec, startInsights } from './insights-stack.ts';

const john =
  'Hi, my name is John Smith and my account number is 1234567890. My phone number is 555-123-4567. Call John Smith.';

/** Anonymization of contract 3, through the front door. */
describe('anonymization', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let ann: string;
  let eve: string;
  before(async () => {
    insights = await startInsights(scope);
    db = await connect(scope, insights.stack.database.url);
    ann = await insights.stack.sign({ user: 'ann', roles: ['member'] });
    eve = await insights.stack.sign({ user: 'eve', roles: ['analyst'] });
  });
  const anonymize = (body: object, token = ann) => insights.ask('POST', '/privacy/anonymize', body, { token });
  const restore = (mapping_id: string, text: string, token = ann) =>
    insights.ask('POST', '/privacy/restore', { mapping_id, text }, { token });

  it('replaces what the contract’s example has, and masks the mapping', async () => {
    const { status, body } = await anonymize({ text: john, keep_mapping: true });
    assert.equal(status, 200, JSON.stringify(body));
    const { mapping_id: id, ...shown } = body.data;
    assert.match(id, /^map-[0-9a-f]{24}$/);
    assert.deepEqual(shown, {
      anonymized_text:
        'Hi, my name is [NAME_1] and my account number is [ACCOUNT_NUMBER_1]. My phone number is [PHONE_1]. Call [NAME_1].',
      mapping: { '[NAME_1]': 'John Smith', '[ACCOUNT_NUMBER_1]': 'XXXXXX7890', '[PHONE_1]': 'XXX-XXX-4567' },
      pii_detected: ['name', 'account_number', 'phone_number'],
    });
  });

  it('keeps nothing where it is not asked to', async () => {
    const { body } = await anonymize({ text: john });
    assert.deepEqual([body.data.mapping, 'mapping_id' in body.data], [{}, false]);
    assert.equal(
      (await anonymize({ text: 'Nothing personal here.' })).body.data.anonymized_text,
      'Nothing personal here.',
    );
  });

  it('masks each kind as it should be', async () => {
    const text =
      'Mail ann.lee@example.com, card 4111 1111 1111 1111, IBAN DE89370400440532013000, from 192.168.10.20, born on 1980-02-03.';
    const { body } = await anonymize({ text, keep_mapping: true });
    assert.deepEqual(body.data.mapping, {
      '[EMAIL_1]': 'aXXX@example.com',
      '[CARD_1]': 'XXXX XXXX XXXX 1111',
      '[IBAN_1]': 'XXXXXXXXXXXXXXXXXX3000',
      '[IP_1]': 'XXX.XXX.XX.XX',
      '[DATE_OF_BIRTH_1]': 'XXXX-XX-XX',
    });
  });

  it('looks for the kinds that are asked for', async () => {
    const { body } = await anonymize({ text: john, kinds: ['phone_number'] });
    assert.match(body.data.anonymized_text, /John Smith .* 1234567890\. .*\[PHONE_1\]/);
    const { details } = (await anonymize({ text: john, kinds: ['hair'] })).body;
    assert.match(details['kinds[0]'], /^Field must be one of "name", "email"/);
    const region = await anonymize({ text: john, phone_regions: ['ZZ'] });
    assert.deepEqual(region.body.details, { 'phone_regions[0]': 'Field must be an ISO 3166-1 code, like US' });
  });

  it('goes on with a mapping: a value has the same placeholder in every text', async () => {
    const first = await anonymize({ text: 'My name is John Smith.', keep_mapping: true });
    const { mapping_id } = first.body.data;
    const second = await anonymize({ text: 'Dear Mary Jones, John Smith called.', keep_mapping: true, mapping_id });
    assert.equal(second.body.data.anonymized_text, 'Dear [NAME_2], [NAME_1] called.');
    assert.equal(second.body.data.mapping_id, mapping_id);
    const restored = await restore(mapping_id, '[NAME_2] met [NAME_1] and [NAME_3].');
    assert.deepEqual(restored.body.data, { text: 'Mary Jones met John Smith and [NAME_3].', restored: 2 });
    const others = await anonymize({ text: 'My name is John Smith.', keep_mapping: true, mapping_id }, eve);
    assert.equal(others.body.code, 'mapping_not_found');
  });

  it('leaves what looks like a placeholder as it is', async () => {
    const text = 'Write [NAME_1] here. My name is John Smith.';
    const { body } = await anonymize({ text, keep_mapping: true });
    assert.equal(body.data.anonymized_text, 'Write [NAME_1] here. My name is [NAME_2].');
    assert.deepEqual(Object.keys(body.data.mapping), ['[NAME_2]']);
    assert.equal((await restore(body.data.mapping_id, body.data.anonymized_text)).body.data.text, text);
  });

  it('is restored by whoever made it, and by admins, and the log says so', async () => {
    const { body } = await anonymize({ text: john, keep_mapping: true });
    const { mapping_id: id, anonymized_text: text } = body.data;
    assert.equal((await restore(id, text)).body.data.text, john);
    assert.equal((await restore(id, text, eve)).body.code, 'mapping_not_found');
    const admin = await insights.stack.sign({ user: 'root', roles: ['admin'] });
    assert.equal((await restore(id, text, admin)).body.data.text, john);
    const { rows } = await db.query<{ entry: { action: string } }>(
      `select entry::jsonb as entry from chaperone.audit_log where entry::jsonb ->> 'subject' = $1`,
      [`Mapping/${id}`],
    );
    assert.deepEqual(
      rows.map(({ entry }) => entry.action),
      ['restored', 'restored'],
    );
    assert.doesNotMatch(JSON.stringify(rows), /John|1234567890/);
  });

  it('is sealed, and can be forgotten', async () => {
    const { body } = await anonymize({ text: john, keep_mapping: true });
    const { mapping_id: id } = body.data;
    const { rows } = await db.query('select encode(mapping_encrypted, $1) as sealed from chaperone.anonymizations', [
      'escape',
    ]);
    assert.doesNotMatch(JSON.stringify(rows), /John|7890/);
    assert.equal((await insights.ask('DELETE', `/privacy/mappings/${id}`, undefined, { token: eve })).status, 404);
    assert.equal((await insights.ask('DELETE', `/privacy/mappings/${id}`, undefined, { token: ann })).status, 200);
    assert.equal((await restore(id, 'x')).body.code, 'mapping_not_found');
    assert.equal((await insights.ask('DELETE', `/privacy/mappings/${id}`, undefined, { token: ann })).status, 404);
  });

  it('keeps no mapping where the organization keeps no contents', async () => {
    await setSpec(insights.stack.directory, { 'storage.contents': 'None' });
    await until(
      async () => !('mapping_id' in (await anonymize({ text: john, keep_mapping: true })).body.data),
      'the edit',
    );
    const { body } = await anonymize({ text: john, keep_mapping: true });
    assert.equal(body.data.mapping['[NAME_1]'], 'John Smith');
  });
});
