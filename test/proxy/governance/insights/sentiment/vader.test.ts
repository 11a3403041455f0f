import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type Lexicon, loadLexicon } from '../../../../../proxy/governance/insights/sentiment/lexicon.ts';
import { makeVader } from '../../../../../proxy/governance/insights/sentiment/vader.ts';
import { CannotInstall, installPythonClients } from '../../../../clients/install.ts';
import { makeDirectory } from '../../../../directories.ts';
import { suiteScope } from '../../../../scope.ts';

type Scores = readonly [positive: number, negative: number, neutral: number, compound: number];

const run = promisify(execFile);
const folder = join(import.meta.dirname, 'reference');

describe('VADER', () => {
  const scope = suiteScope();
  let lexicon: Lexicon;
  let rate: (text: string) => Scores;
  before(async () => {
    lexicon = await loadLexicon();
    const vader = makeVader(lexicon);
    rate = (text) => {
      const { positive, negative, neutral, compound } = vader(text);
      return [positive, negative, neutral, compound];
    };
  });

  it('rates every case as the reference in Python has rated it', async () => {
    const cases = JSON.parse(await readFile(join(import.meta.dirname, 'cases.json'), 'utf8')) as [string, ...Scores][];
    assert.ok(cases.length > 100);
    for (const [text, ...scores] of cases) assert.deepEqual(rate(text), scores, JSON.stringify(text));
  });

  it('names the words that decide', () => {
    const { words } = makeVader(lexicon)('A friendly agent, but a terrible queue.');
    assert.deepEqual(
      words.map(({ word, valence }) => [word, valence > 0]),
      [
        ['friendly', true],
        ['terrible', false],
      ],
    );
  });

  describe('and the reference in Python', () => {
    let python: ((...args: readonly string[]) => Promise<string>) | undefined;
    let why = '';
    before(async () => {
      try {
        const PYTHONPATH = await installPythonClients(folder);
        python = async (...args) => {
          const env = { ...process.env, PYTHONPATH };
          return (await run('python3', args, { env, maxBuffer: 256 * 1024 * 1024 })).stdout;
        };
      } catch (error) {
        if (!(error instanceof CannotInstall)) throw error;
        why = error.message;
      }
    });

    it('have the same lexicon', async (t) => {
      if (!python) return t.skip(why);
      const { valences, emoji } = JSON.parse(await python(join(folder, 'lexicon.py')));
      assert.deepEqual(Object.fromEntries(lexicon.valences), valences);
      assert.deepEqual(Object.fromEntries(lexicon.emoji), emoji);
    });

    it('agree about every text of the corpora that people have rated', async (t) => {
      if (!python) return t.skip(why);
      const directory = await makeDirectory(scope);
      const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', directory];
      try {
        await python(...download, 'vaderSentiment==3.3.2');
      } catch (error) {
        return t.skip(`its source cannot be had: ${String(error).split('\n')[0]}`);
      }
      const rated = (await python(join(folder, 'corpora.py'), directory)).trimEnd().split('\n');
      assert.ok(rated.length > 23_000, String(rated.length));
      const wrong = rated.filter((line) => {
        const [text, ...scores] = JSON.parse(line) as [string, ...Scores];
        return rate(text).some((score, at) => score !== scores[at]);
      });
      assert.deepEqual(wrong.slice(0, 10), []);
    });

    it('agree about texts that are put together at random', async (t) => {
      if (!python) return t.skip(why);
      const texts = Array.from({ length: 5_000 }, (_, seed) => makeText(seed, lexicon));
      const file = join(await makeDirectory(scope), 'texts.json');
      await writeFile(file, JSON.stringify(texts));
      const scores = JSON.parse(await python(join(folder, 'rate.py'), file)) as Scores[];
      for (const [at, text] of texts.entries()) assert.deepEqual(rate(text), scores[at], JSON.stringify(text));
    });
  });
});

const between =
  "but BUT not never without doubt so this least at very no nor or kind of sort just enough the shit bomb bad ass bus stop yeah right kiss death to die for beating heart VERY barely hardly isn’t isn't don't n't ! ?? !!! :) :D (x) \"great\" Great. GREAT, \u00a0 \ufeff \u{1f600} a\u{1f620}b".split(
    ' ',
  );

/** A text of rated words and of what the rules look for; the same for the same seed. */
function makeText(seed: number, { valences, emoji }: Lexicon): string {
  let state = seed + 1;
  const next = (below: number) => {
    // Numerical Recipes' generator.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const rated = [...valences.keys()];
  const pictures = [...emoji.keys()];
  const word = () => {
    const kind = next(10);
    const chosen =
      kind < 6 ? between[next(between.length)] : kind < 9 ? rated[next(rated.length)] : pictures[next(pictures.length)];
    return next(5) === 0 ? (chosen ?? '').toUpperCase() : (chosen ?? '');
  };
  return Array.from({ length: 1 + next(14) }, word).join(next(8) === 0 ? '  ' : ' ');
}
