import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ProxyProcess } from '../../../../cli/local/proxies.ts';
import { suiteScope } from '../../../scope.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const example = {
  data: [
    { age_group: '18-30', gender: 'female', satisfaction_score: 4, resolved: true },
    { age_group: '31-45', gender: 'male', satisfaction_score: 5, resolved: true },
    { age_group: '46-60', gender: 'non-binary', satisfaction_score: 3, resolved: false },
  ],
  attributes: ['age_group', 'gender'],
  outcome_columns: ['satisfaction_score', 'resolved'],
};
const query = '?attributes=group&outcome_columns=score,resolved&min_group_size=2';

/** Fairness of contract 3, through the front door. */
describe('fairness', () => {
  const scope = suiteScope();
  let insights: Insights<ProxyProcess>;
  let analyst: string;
  before(async () => {
    insights = await startInsights(scope, {}, { ownProcess: true });
    analyst = await insights.stack.sign({ user: 'ann', roles: ['analyst'] });
  });
  const analyze = (body: object, token = analyst) => insights.ask('POST', '/fairness/analyze', body, { token });
  const upload = async (
    body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    type = 'text/csv',
    headers: Record<string, string> = {},
    search = query,
  ) => {
    const answer = await fetch(new URL(`/api/v1/fairness/analyze/upload${search}`, insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${analyst}`, 'content-type': type, ...headers },
      body,
      duplex: 'half',
    } as RequestInit);
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, body: (await answer.json()) as any };
  };

  it('answers the contract’s example: three rows, of whom nothing can be said', async () => {
    const { status, body } = await analyze(example);
    assert.equal(status, 200, JSON.stringify(body));
    const { fairness_score, detailed_findings, recommendations } = body.data;
    assert.equal(fairness_score, null);
    assert.equal(detailed_findings.length, 4);
    const [first] = detailed_findings;
    assert.deepEqual(
      [first.attribute, first.outcome, first.concern_level],
      ['age_group', 'satisfaction_score', 'insufficient_data'],
    );
    assert.deepEqual(first.disparities['18-30'], {
      ...{ average: 4, sample_size: 1, confidence_interval: null, too_small: true, test: null },
    });
    assert.match(recommendations[0], /^Collect more observations/);
  });

  it('judges groups that are large enough', async () => {
    const data = ['a', 'b'].flatMap((group) =>
      Array.from({ length: 100 }, (_, at) => ({ group, resolved: at < (group === 'a' ? 90 : 60) })),
    );
    const { body } = await analyze({ data, attributes: ['group'], outcome_columns: ['resolved'] });
    const [finding] = body.data.detailed_findings;
    assert.ok(Math.abs(body.data.fairness_score - 2 / 3) < 1e-12);
    assert.deepEqual([finding.concern_level, finding.four_fifths_rule], ['medium', false]);
    assert.deepEqual(Object.keys(finding.disparities), ['a', 'b']);
    const { test: compared, selection_rate } = finding.disparities.b;
    assert.deepEqual([compared.method, compared.significant, selection_rate], ['z-test', true, 0.6]);
    assert.match(body.data.recommendations[0], /^Review why resolved is lower by group for b \(60\.0 %\)/);
  });

  it('is for analysts, and says of each field what is wrong', async () => {
    const member = await insights.stack.sign({ user: 'bob', roles: ['member'] });
    assert.equal((await analyze(example, member)).status, 403);
    assert.deepEqual((await analyze({ data: [] })).body.details, {
      attributes: 'Field is required',
      outcome_columns: 'Field is required',
      data: 'Field must have at least 1 entries',
    });
    const word = { ...example, data: [{ age_group: 'a', gender: 'b', satisfaction_score: 'good', resolved: true }] };
    assert.deepEqual((await analyze(word)).body.details, {
      'data[0].satisfaction_score': 'Field must be a number, true or false',
    });
  });

  it('reads CSV and lines of JSON, compressed, too, and answers the same', async () => {
    const rows = [
      ...[
        { group: 'a', score: 4, resolved: true },
        { group: 'a', score: 5, resolved: true },
      ],
      ...[
        { group: 'b, or "c"', score: 2, resolved: false },
        { group: 'b, or "c"', score: 3, resolved: true },
      ],
    ];
    const csv = `\ufeffgroup,score,resolved\r\n${rows.map(({ group, score, resolved }) => `"${group.replaceAll('"', '""')}",${score},${resolved}`).join('\r\n')}\r\n`;
    const lines = rows.map((row) => JSON.stringify(row)).join('\n');
    const asked = { data: rows, attributes: ['group'], outcome_columns: ['score', 'resolved'], min_group_size: 2 };
    const expected = (await analyze(asked)).body.data;
    const answers = [
      await upload(csv),
      await upload(lines, 'application/x-ndjson'),
      await upload(new Uint8Array(gzipSync(csv)), 'text/csv', { 'content-encoding': 'gzip' }),
    ];
    for (const { status, body } of answers) {
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body.data, expected);
    }
  });

  it('says what cannot be read, and where', async () => {
    const torn = await upload('group,score,resolved\na,1,true\nb,2');
    assert.deepEqual([torn.status, torn.body.code], [400, 'invalid_request']);
    assert.match(torn.body.details.data, /line 3|Invalid Record Length/);
    const line = await upload('{"group": "a", "score": 1, "resolved": true}\nnonsense\n', 'application/x-ndjson');
    assert.deepEqual(line.body.details, { data: 'data: line 2 is no JSON object' });
    const other = await upload('x', 'application/pdf');
    assert.deepEqual(other.body.details, { 'Content-Type': 'Field must be text/csv or application/x-ndjson' });
    assert.equal(
      (await upload('group\na', 'text/csv', {}, '?attributes=group')).body.details.outcome_columns,
      'Field is required',
    );
  });

  it('reads a million rows while they arrive, in bounded memory', async () => {
    const pid = insights.stack.proxy.pid();
    const peakOf = async () =>
      Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
    const isLinux = process.platform === 'linux';
    const before = isLinux ? await peakOf() : 0;
    const regions = ['north', 'south', 'east', 'west'];
    const chunk = Array.from(
      { length: 10_000 },
      (_, at) => `${regions[at % 4]},${at % 5},${at % 3 === 0},customer ${at} of many\n`,
    );
    const text = chunk.join('');
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('group,score,resolved,note\n')),
      pull(controller) {
        sent += 1;
        controller.enqueue(new TextEncoder().encode(text));
        if (sent === 100) controller.close();
      },
    });
    const { status, body: answered } = await upload(body);
    assert.equal(status, 200, JSON.stringify(answered));
    assert.equal(answered.data.rows, 1_000_000);
    const sizes = Object.values(answered.data.detailed_findings[0].disparities).map(
      (group) => (group as { sample_size: number }).sample_size,
    );
    assert.deepEqual(sizes, [250_000, 250_000, 250_000, 250_000]);
    if (isLinux) assert.ok((await peakOf()) - before < 150, `${(await peakOf()) - before} MB more`);
  });
});
