import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Explanation } from '../../../../proxy/governance/insights/explain/explain.ts';
import {
  openPicture,
  type Picture,
  pictureLifetimeMs,
  sealPicture,
} from '../../../../proxy/governance/insights/explain/picture.ts';
import { drawPicture } from '../../../../proxy/surfaces/insights/ai/picture-svg.ts';
import { makeGovernance } from '../../governance/context.ts';

const picture: Picture = {
  ...{ prediction: { label: 'negative', confidence: 0.61 }, explains: 'compound', base: 0, output: -0.61 },
  features: [
    { feature: 'terrible', importance: -0.5 },
    { feature: 'nice', importance: 0.1 },
  ],
  others: { count: 3, importance: -0.21 },
};
const featureOf = (feature: string, importance: number) => ({ feature, importance, error: 0, position: 0 });
const explanation: Explanation = {
  ...{ prediction: picture.prediction, explains: 'compound', base: 0, output: -0.61, isExact: true, evaluations: 32 },
  features: picture.features.map(({ feature, importance }) => featureOf(feature, importance)),
};

test('a picture says in words what it shows', () => {
  const svg = drawPicture(picture);
  assert.match(svg, /^<svg [^>]*role="img" aria-labelledby="title desc"/);
  assert.match(svg, /<title id="title">Why negative<\/title>/);
  assert.match(
    svg,
    /<desc id="desc">compound is −0\.610; without any of the words it is 0\.000\. What each adds: terrible −0\.500; nice \+0\.100; 3 others −0\.210\.<\/desc>/,
  );
  assert.doesNotMatch(svg, /<(?:script|style|foreignObject|image|use)|style=|href/);
});

const nasty = fc.oneof(
  fc.constantFrom(
    '</text><script>alert(1)</script>',
    '"onload="x',
    '&amp;',
    ']]>',
    '<!--',
    '\0\u001b\ufffe',
    '\ud800',
    '\u202e\u05d0',
  ),
  fc.string({ unit: 'binary' }),
);
const svgOf = (texts: readonly string[]) =>
  drawPicture({
    ...picture,
    prediction: { label: texts[0] ?? '', confidence: 1 },
    explains: texts[1] ?? '',
    features: texts.map((feature, at) => ({ feature, importance: at - 1 })),
  });

test('texts stay texts in a picture', () => {
  fc.assert(
    fc.property(fc.array(nasty, { maxLength: 20 }), (texts) => {
      const tags = svgOf(texts).match(/<\/?[^\s>]*/g) ?? [];
      const known = ['<svg', '</svg', '<title', '</title', '<desc', '</desc', '<rect', '<text', '</text', '<path'];
      assert.deepEqual(
        tags.filter((tag) => !known.includes(tag)),
        [],
      );
      const rows = texts.length + 1;
      assert.equal(tags.filter((tag) => tag === '<text').length, 2 + rows * 2);
    }),
  );
});

test('a picture is well-formed XML', (t) => {
  const svgs = fc.sample(fc.array(nasty, { minLength: 1, maxLength: 20 }), { numRuns: 200, seed: 1 }).map(svgOf);
  const program =
    'import json, sys, xml.dom.minidom\nfor svg in json.load(sys.stdin): xml.dom.minidom.parseString(svg)';
  const { error, status, stderr } = spawnSync('python3', ['-c', program], { input: JSON.stringify(svgs) });
  if (error) return t.skip('Python is needed');
  assert.equal(status, 0, String(stderr));
});

test('an address opens its picture until it expires, and nothing else does', () => {
  const context = makeGovernance();
  const address = sealPicture(context, explanation, 0);
  assert.deepEqual(openPicture(context, address, pictureLifetimeMs - 1).picture.features, picture.features);
  const refused = { code: 'resource_not_found' };
  assert.throws(() => openPicture(context, address, pictureLifetimeMs), refused);
  const { sealed } = address;
  const changed = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA');
  const others = [
    { ...address, id: 'exp-0' },
    { ...address, sealed: changed },
    { ...address, sealed: 'x' },
  ];
  for (const other of others) assert.throws(() => openPicture(context, other, 1), refused);
  assert.throws(() => openPicture(makeGovernance(), address, 1), refused);
});

test('a picture has the features that matter most, cut to a line', () => {
  const context = makeGovernance();
  const many = Array.from({ length: 100 }, (_, at) => featureOf('word '.repeat(200), 1 / (at + 1)));
  const address = sealPicture(context, { ...explanation, features: many }, 0);
  const { features, others } = openPicture(context, address, 1).picture;
  assert.deepEqual([features.length, others.count, [...(features[0]?.feature ?? '')].length], [20, 80, 60]);
  assert.ok(address.sealed.length < 4_000, String(address.sealed.length));
});
