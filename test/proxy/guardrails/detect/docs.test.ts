import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDetector } from '../../../../proxy/guardrails/detect/make-detector.ts';
import { piiKinds } from '../../../../proxy/guardrails/detect/pii/pii.ts';
import { secretKinds } from '../../../../proxy/guardrails/detect/secrets/secrets.ts';

const text = readFileSync(join(import.meta.dirname, '../../../../docs/guardrails.md'), 'utf8');

test('docs/guardrails.md names every kind that a detector knows', async () => {
  const injection = await makeDetector({ detector: 'injection' });
  for (const kind of [...piiKinds, ...secretKinds, ...injection.kinds]) assert.ok(text.includes(`\`${kind}\``), kind);
});
