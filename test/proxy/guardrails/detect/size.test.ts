import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeDetector } from '../../../../proxy/guardrails/detect/make-detector.ts';
import type { SizeConfig } from '../../../../proxy/guardrails/detect/size.ts';
import { assertByteSplits, assertSplits, found } from './splits.ts';

const texts: readonly (readonly [Omit<SizeConfig, 'detector'>, text: string, ...found: [string, string][]])[] = [
  [{ maxCharacters: 5 }, 'ab😀de'],
  [{ maxCharacters: 5 }, 'ab😀def', ['characters', 'f']],
  [{ maxBytes: 5 }, 'abä1'],
  [{ maxBytes: 5 }, 'ab😀12', ['bytes', '😀']],
  [{ maxTokens: 2 }, '12345678'],
  [{ maxTokens: 2 }, '123456789', ['tokens', '9']],
  [{ maxTokens: 2, bytesPerToken: 2 }, '12345', ['tokens', '5']],
  [{ maxTokens: 9, maxBytes: 3 }, '12345', ['bytes', '4']],
];

suite('size', () => {
  for (const [config, text, ...expected] of texts) {
    test(`${JSON.stringify(config)} finds ${expected.join() || 'nothing'} in ${text}`, async () => {
      const detector = await makeDetector({ detector: 'size', ...config });
      assert.deepEqual(found(detector, text), expected);
      assertSplits(detector, text);
      assertByteSplits(detector, text);
    });
  }

  test('refuses a rule without a limit', async () => {
    await assert.rejects(makeDetector({ detector: 'size' }), /maxCharacters or maxBytes or maxTokens must be there/);
    await assert.rejects(makeDetector({ detector: 'size', maxBytes: 0 }), /maxBytes must be greater than 0/);
  });
});
