import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { explainText } from '../../../../../proxy/governance/insights/explain/explain.ts';
import { readFeatures } from '../../../../../proxy/governance/insights/explain/features.ts';
import type { TextModel } from '../../../../../proxy/governance/insights/explain/text-model.ts';
import { CannotInstall, installPythonClients } from '../../../../clients/install.ts';
import { makeDirectory } from '../../../../directories.ts';
import { makeCallContext } from '../../../calls/context.ts';

const folder = join(import.meta.dirname, 'reference');
const call = makeCallContext();
const explain = (text: string) => explainText({}, call, 'sentiment', { text, language: 'en' });

test('a text has at most 100 features, and all of them are the text', () => {
  const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom(' ', '\n', 'word', '\u3000')), { maxLength: 400 });
  fc.assert(
    fc.property(texts, (parts) => {
      const text = parts.join(' ');
      fc.pre(/\S/u.test(text));
      const { names, textOf } = readFeatures(text);
      assert.equal(
        textOf(() => true),
        text,
      );
      assert.equal(
        textOf(() => false),
        '',
      );
      assert.ok(names.length >= 1 && names.length <= 100 && names.every((name) => name.trim() !== ''));
    }),
  );
});

const opinions = [
  'I am very satisfied with the quick approval process.',
  'Not good at all, but the staff was KIND of helpful!!!',
  'The parcel is on the table.',
  'Great',
  'I hate the hold music, yet I love how friendly, patient and helpful your agents were, thank you so much!',
  'Nobody answers my calls for days, the app crashes, and the refund that you promised is still not there. Terrible.',
];

test('importances and the base are the sentiment, and the same each time', async () => {
  for (const text of opinions) {
    const found = await explain(text);
    const sum = found.features.reduce((total, { importance }) => total + importance, found.base);
    assert.ok(Math.abs(sum - found.output) < 1e-9, text);
    assert.equal(found.isExact, found.features.length <= 12);
    assert.deepEqual(await explain(text), found);
  }
  const { prediction, features } = await explain(opinions[0] ?? '');
  assert.equal(prediction.label, 'positive');
  assert.deepEqual(
    features.slice(0, 2).map(({ feature }) => feature),
    ['approval', 'satisfied'],
  );
});

test('a deployed model is explained by the class that it predicts', async () => {
  const sizes: number[] = [];
  const model: TextModel = {
    async predict(texts) {
      sizes.push(texts.length);
      return texts.map((text) => {
        const refund = (text.includes('money') ? 0.6 : 0) + (text.includes('back') ? 0.2 : 0) + 0.1;
        return { refund, other: 1 - refund };
      });
    },
  };
  const findTextModel = (_: unknown, name: string) => (name === 'intent-prod' ? model : undefined);
  const text = 'Please give me all of my money back';
  const found = await explainText({ findTextModel }, call, 'intent-prod', { text });
  assert.deepEqual([found.prediction.label, found.explains, found.base], ['refund', 'refund', 0.1]);
  const shown = found.features.map(({ feature, importance }) => [feature, Math.round(importance * 1e9) / 1e9]);
  assert.deepEqual(shown.slice(0, 3), [
    ['money', 0.6],
    ['back', 0.2],
    ['Please', 0],
  ]);
  assert.ok(Math.max(...sizes) <= 256, String(sizes));
  const unknown = explainText({ findTextModel }, call, 'intent-old', { text });
  await assert.rejects(unknown, { code: 'model_not_found', param: 'model_name' });
});

test('a model that answers no numbers, or too few, is not explained', async () => {
  const answers: readonly TextModel['predict'][] = [
    async () => [],
    async (texts) => texts.map(() => ({})),
    async (texts) => texts.map((text) => ({ a: text === '' ? Number.NaN : 1 })),
    async (texts) => texts.map((text): Record<string, number> => (text === '' ? { b: 1 } : { a: 1 })),
  ];
  for (const predict of answers) {
    const found = explainText({ findTextModel: () => ({ predict }) }, call, 'any', { text: 'One two' });
    await assert.rejects(found, { code: 'upstream_invalid_response' });
  }
});

test('agrees with Python’s shap on the same model', async (t) => {
  const PYTHONPATH = await installPythonClients(folder).catch((error: unknown) => {
    if (error instanceof CannotInstall) return error;
    throw error;
  });
  if (PYTHONPATH instanceof CannotInstall) return t.skip(PYTHONPATH.message);
  // The reference looks at each of the combinations, so no longer texts.
  const texts = opinions.filter((text) => text.split(' ').length <= 15);
  texts.push(opinions.at(-1)?.split(' ').slice(0, 14).join(' ') ?? '');
  const file = join(await makeDirectory(t), 'texts.json');
  await writeFile(file, JSON.stringify(texts));
  // Compiling would take longer than it saves.
  const env = { ...process.env, PYTHONPATH, NUMBA_DISABLE_JIT: '1' };
  const { stdout } = await promisify(execFile)('python3', [join(folder, 'explain.py'), file], { env });
  const reference = JSON.parse(stdout) as { base: number; values: number[] }[];
  let [within, estimates] = [0, 0];
  for (const [at, text] of texts.entries()) {
    const { base, values } = reference[at] ?? assert.fail();
    const found = await explain(text);
    assert.equal(found.base, base);
    assert.equal(found.features.length, values.length);
    for (const { position, importance, error } of found.features) {
      const difference = Math.abs(importance - (values[position] ?? Number.NaN));
      if (found.isExact) assert.ok(difference < 1e-9, `${text}, ${position}: ${difference}`);
      else {
        estimates += 1;
        if (difference <= error + 1e-9) within += 1;
      }
    }
  }
  assert.ok(estimates >= 14 && within / estimates >= 0.8, `${within} of ${estimates} within their errors`);
});
