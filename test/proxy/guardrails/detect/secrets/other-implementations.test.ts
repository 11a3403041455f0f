import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintSource } from '@secretlint/core';
import { creator as rule } from '@secretlint/secretlint-rule-preset-recommend';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { makeCorpus } from '../corpus/corpus.ts';

const rules = [{ id: 'preset', rule, options: {} }];

test('finds every secret that the rules of secretlint find in the corpus', async () => {
  const detector = await makeDetector({ detector: 'secrets' });
  let found = 0;
  for (const { text } of makeCorpus(5, 77).filter(({ spans }) => spans.some((span) => span.detector === 'secrets'))) {
    const source = { filePath: 'prompt.txt', content: text, contentType: 'text', ext: '.txt' } as const;
    const { messages } = await lintSource({ source, options: { config: { rules } } });
    const matches = detector.scan(text);
    for (const { range, ruleId } of messages) {
      found += 1;
      const [start, end] = range;
      assert.ok(
        matches.some((match) => match.start < end && match.end > start),
        `${ruleId}: ${text.slice(start, end)}`,
      );
    }
  }
  assert.ok(found >= 10, `${found} found by secretlint`);
});
