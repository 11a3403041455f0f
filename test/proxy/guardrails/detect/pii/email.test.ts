import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { assertByteSplits, assertSplits, found } from '../splits.ts';

const addresses: readonly [text: string, ...found: string[]][] = [
  ['Write to ada@example.com.', 'ada@example.com'],
  [
    'ada.lovelace+orders@mail.example.co.uk, or bob_1@example.org',
    'ada.lovelace+orders@mail.example.co.uk',
    'bob_1@example.org',
  ],
  ["<o'brien@example.ie>", "o'brien@example.ie"],
  ['mailto:ada@example.com?subject=x', 'ada@example.com'],
  ['...ada@example.com', 'ada@example.com'],
  ['jürgen@müller.de', 'jürgen@müller.de'],
  ['我的邮箱是ada@example.com，谢谢', 'ada@example.com'],
  ['ada@xn--mller-kva.example', 'ada@xn--mller-kva.example'],
  [`${'a'.repeat(60)}.ada@example.com`, `${'a'.repeat(60)}.ada@example.com`],
  ['icon@2x.png'],
  ['{"to":"\\nada@example.com\\tbob@example.com"}', 'ada@example.com', 'bob@example.com'],
  ['https://ada:secret1@example.com, ssh://git@example.com'],
  ['react@18.2.0 and @types/node@26.1'],
  ['ada@localhost'],
  ['ada@-example.com, ada@example, @example.com, ada@.com, ada.@example.com'],
  ['image@sha256:0123'],
];

for (const [text, ...expected] of addresses) {
  test(`finds ${expected.length > 0 ? expected : 'nothing'} in ${text}`, async () => {
    const detector = await makeDetector({ detector: 'pii', kinds: ['email'] });
    assert.deepEqual(
      found(detector, text),
      expected.map((each) => ['email', each]),
    );
    assertSplits(detector, text);
    assertByteSplits(detector, text);
  });
}
