import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ChatConnectionError, RateLimitError, ServerError } from '../../clients/javascript/src/index.ts';
import { type Notice, noticeOf, sayNotice } from '../../widget/chat/notice.ts';
import { nextLookMs } from '../../widget/chat/poll.ts';
import { contrast, type Rgb, readableOn, textOn } from '../../widget/colors.ts';
import { readMarkdown } from '../../widget/markdown/blocks.ts';
import { safeAddress } from '../../widget/markdown/inlines.ts';
import { plainText } from '../../widget/markdown/plain-text.ts';
import type { Block, Inline } from '../../widget/markdown/tree.ts';
import { en, type Texts } from '../../widget/texts/en.ts';
import { chooseSpeech, fill, languages } from '../../widget/texts/table.ts';

describe('Markdown of answers', () => {
  const addressesOf = (part: Block | Inline): string[] => {
    if (part.type === 'link') return [part.address, ...part.children.flatMap(addressesOf)];
    if (part.type === 'list') return part.items.flat().flatMap(addressesOf);
    if (part.type === 'table') return [...part.head, ...part.rows.flat()].flat().flatMap(addressesOf);
    return 'children' in part ? part.children.flatMap((child: Block | Inline) => addressesOf(child)) : [];
  };

  it('is read into paragraphs, lists, code, tables and links', () => {
    assert.deepEqual(readMarkdown('**a** *b* `c`\nd'), [
      {
        type: 'paragraph',
        children: [
          { type: 'strong', children: [{ type: 'text', text: 'a' }] },
          { type: 'text', text: ' ' },
          { type: 'emphasis', children: [{ type: 'text', text: 'b' }] },
          { type: 'text', text: ' ' },
          { type: 'code', text: 'c' },
          { type: 'break' },
          { type: 'text', text: 'd' },
        ],
      },
    ]);
    const kinds = readMarkdown('# a\n\n- b\n\n3. c\n\n> d\n\n---\n\n```\ne\n```\n\n|f|\n|-|\n|g|').map(
      ({ type }) => type,
    );
    assert.deepEqual(kinds, ['heading', 'list', 'list', 'quote', 'rule', 'code', 'table']);
  });

  it('has no HTML: it is text', () => {
    for (const text of [
      '<script>x</script>',
      'a <b onclick="x">b</b>',
      '<img src=x onerror=x>',
      '<!-- x -->',
      '<a href="javascript:x">x</a>',
    ]) {
      assert.equal(plainText(text).replaceAll(' ', ''), text.replaceAll(' ', ''));
    }
    assert.equal(plainText('1 < 2 &amp; 3 &gt; 2, "x" & \'y\''), '1 < 2 & 3 > 2, "x" & \'y\'');
    assert.equal(plainText('`a && b < c`'), 'a && b < c');
  });

  it('links only to what opens, and never to what runs', () => {
    for (const [href, is] of [
      ['https://example.com/a', true],
      ['mailto:a@example.com', true],
      ['tel:+123', true],
      ['javascript:alert(1)', false],
      ['JAVASCRIPT:alert(1)', false],
      [' javascript:alert(1)', false],
      ['java\nscript:alert(1)', false],
      ['data:text/html,x', false],
      ['vbscript:x', false],
      ['file:///etc/passwd', false],
      ['blob:https://example.com/x', false],
      ['/relative', false],
      ['', false],
    ] as const) {
      assert.equal(safeAddress(href) !== undefined, is, href);
    }
    const tricky = fc.constantFrom(
      '[a](',
      'javascript:',
      'https://x',
      ')',
      '<',
      '>',
      '"',
      '![',
      '](',
      '&#106;',
      '\n',
      '\\',
      '`',
      '|',
      '- ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(tricky, fc.string()), { maxLength: 40 }), (parts) => {
        for (const address of readMarkdown(parts.join('')).flatMap(addressesOf))
          assert.match(address, /^(https?|mailto|tel):/);
      }),
    );
  });
});

describe('the texts of the widget', () => {
  const names = Object.keys(en) as (keyof Texts)[];
  const valuesIn = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([value]) => value);
  for (const [language, texts] of Object.entries(languages)) {
    it(`say the same things in ${language}`, () => {
      assert.deepEqual(Object.keys(texts), names);
      for (const name of names) {
        assert.notEqual(texts[name].trim(), '', name);
        assert.deepEqual(valuesIn(texts[name]), valuesIn(en[name]), name);
        if (language !== 'en' && name !== 'assistant' && name !== 'messages' && name !== 'sources')
          assert.notEqual(texts[name], en[name], name);
      }
    });
  }

  it('are those of the page’s language, of the visitor’s, or English', () => {
    for (const [stated, preferred, language, direction, open] of [
      [undefined, ['de-AT'], 'de-AT', 'ltr', languages.de?.open],
      [undefined, ['xx', 'fr'], 'fr', 'ltr', languages.fr?.open],
      [undefined, ['xx'], 'en', 'ltr', en.open],
      ['ar', ['de'], 'ar', 'rtl', languages.ar?.open],
      ['he', [], 'he', 'rtl', en.open],
    ] as const) {
      const speech = chooseSpeech(stated, preferred, { send: 'Go' });
      assert.deepEqual(
        [speech.language, speech.direction, speech.texts.open, speech.texts.send],
        [language, direction, open, 'Go'],
      );
    }
    assert.equal(fill('{count} of {all}', { count: 4 }), '4 of {all}');
  });
});

describe('what has gone wrong', () => {
  const problem = (code: string) => ({ code, message: 'No.', details: {}, requestId: undefined });
  const limited = (retryAfterMs?: number) => new RateLimitError(429, problem('limit_reached'), { retryAfterMs });
  for (const [error, isOnline, kind] of [
    [new ChatConnectionError('No.'), true, 'unreachable'],
    [new ChatConnectionError('No.'), false, 'offline'],
    [limited(5_000), true, 'tooMany'],
    [new RateLimitError(429, problem('insufficient_quota')), true, 'unavailable'],
    [new ServerError(502, problem('upstream_error')), true, 'failed'],
    [new ServerError(400, problem('guardrail_blocked')), true, 'blocked'],
    [new ServerError(403, problem('origin_not_allowed')), true, 'unavailable'],
    [new Error('No.'), true, 'failed'],
  ] as const) {
    it(`is ${kind}: ${error.name} ${'code' in error ? error.code : ''}`, () => {
      assert.equal(noticeOf(error, { isOnline, nowMs: 0 }).kind, kind);
    });
  }

  it('says how long to wait, in words of the language', () => {
    const say = (untilMs: number | undefined, language = 'en') => {
      const notice: Notice = { kind: 'tooMany', untilMs };
      return sayNotice(notice, languages[language] ?? en, language, 0);
    };
    assert.match(say(35_000), /in 35 seconds\.$/);
    assert.match(say(1_800_000), /in 30 minutes\.$/);
    assert.match(say(35_000, 'de'), /in 35 Sekunden/);
    assert.match(say(120_000, 'ar'), /دقيقتين|دقيقتان/);
    assert.equal(say(0), en.tooManyNow);
    assert.equal(say(undefined), en.unavailable);
  });
});

describe('looking for replies', () => {
  const rate = (remaining: number, limit = 60) => ({ limit, remaining, resetAt: new Date(3_600_000) });
  it('happens at once often, and less often where nothing comes', () => {
    assert.equal(nextLookMs({ idle: 0, rate: undefined, nowMs: 0 }), 3_000);
    assert.equal(nextLookMs({ idle: 50, rate: rate(50), nowMs: 0 }), 20_000);
  });

  it('leaves the visitor’s own messages their requests, whatever the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 2_000 }), (limit) => {
        let [nowMs, remaining, idle] = [0, limit, 0];
        for (; nowMs < 3_600_000; idle = (idle + 1) % 9) {
          nowMs += nextLookMs({ idle, rate: rate(remaining, limit), nowMs });
          if (nowMs < 3_600_000) remaining -= 1;
        }
        assert.ok(remaining >= 11, `${remaining} of ${limit} are left`);
      }),
    );
  });
});

describe('the colours of the widget', () => {
  const color: fc.Arbitrary<Rgb> = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255));
  it('can be read, whatever colour a page states', () => {
    fc.assert(
      fc.property(color, (primary) => {
        assert.ok(contrast(textOn(primary), primary) >= 4.5);
        for (const backgrounds of [
          [
            [255, 255, 255],
            [242, 244, 247],
          ],
          [
            [21, 24, 29],
            [36, 42, 50],
          ],
        ] as const) {
          const readable = readableOn(primary, backgrounds);
          for (const background of backgrounds) assert.ok(contrast(readable, background) >= 4.5);
        }
      }),
    );
    assert.equal(Math.round(contrast([0, 0, 0], [255, 255, 255])), 21);
    assert.deepEqual(readableOn([0, 0, 120], [[255, 255, 255]]), [0, 0, 120]);
  });
});
