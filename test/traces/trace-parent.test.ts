import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sample } from '../../traces/sampler.ts';
import { readTraceParent, writeTraceParent } from '../../traces/trace-parent.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const zeros = (length: number) => '0'.repeat(length);

describe('traceparent', () => {
  const valid: readonly (readonly [header: string, isSampled: boolean])[] = [
    [`00-${traceId}-${spanId}-01`, true],
    [`00-${traceId}-${spanId}-00`, false],
    [`00-${traceId}-${spanId}-03`, true],
    [`00-${traceId}-${spanId}-fe`, false],
    // A later version may have further parts.
    [`cc-${traceId}-${spanId}-01`, true],
    [`cc-${traceId}-${spanId}-01-what-comes`, true],
  ];
  for (const [header, isSampled] of valid) {
    it(`reads ${header}`, () => assert.deepEqual(readTraceParent(header), { traceId, spanId, isSampled }));
  }
  const invalid = [
    '',
    'x',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}-01-more`,
    `cc-${traceId}-${spanId}-01.more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${zeros(32)}-${spanId}-01`,
    `00-${traceId}-${zeros(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
    `cc-${traceId}-${spanId}-01-${'x'.repeat(10_000)}`,
  ];
  for (const header of invalid) {
    it(`reads nothing of ${JSON.stringify(header.slice(0, 70))}`, () =>
      assert.equal(readTraceParent(header), undefined));
  }
  it('is read as it was written', () => {
    assert.deepEqual(readTraceParent(writeTraceParent({ traceId, spanId })), { traceId, spanId, isSampled: true });
  });
});

describe('sampling', () => {
  const parent = { traceId, spanId, isSampled: true };
  const unsampled = { ...parent, isSampled: false };
  const recorded = `00-${traceId}-${spanId}-01`;
  const unrecorded = `00-${traceId}-${spanId}-00`;
  const table = [
    ['a share of the calls without a trace is recorded', 0.5, true, undefined, 0.4, { parent: undefined }],
    ['and no others', 0.5, true, undefined, 0.5, undefined],
    ['none at 0', 0, true, undefined, 0, undefined],
    ['all at 1', 1, true, undefined, 0.999, { parent: undefined }],
    ["a recorded caller's is", 0, true, recorded, 0.9, { parent }],
    ["another caller's is not", 1, true, unrecorded, 0, undefined],
    ['callers do not decide where they are ignored', 0, false, recorded, 0, undefined],
    ['and the trace goes on all the same', 1, false, unrecorded, 0.9, { parent: unsampled }],
    ['a header that is none counts as absent', 1, true, 'nonsense', 0.9, { parent: undefined }],
  ] as const;
  for (const [title, ratio, followsParents, header, random, expected] of table) {
    it(title, () =>
      assert.deepEqual(
        sample({ ratio, followsParents }, header, () => random),
        expected,
      ),
    );
  }
});
