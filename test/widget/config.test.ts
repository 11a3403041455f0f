import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readSettings } from '../../widget/config.ts';
import { isForPage } from '../../widget/pages.ts';

const scriptUrl = 'https://support.example.com/chat/widget.js?v=1';
const isCss = (_: string, value: string) => !value.includes('nonsense');
const read = (config: unknown, from: string | undefined = scriptUrl) =>
  readSettings(config, { scriptUrl: from, isCss });

describe('the configuration of the widget', () => {
  it('has defaults, and the address that the script comes from', () => {
    const { settings, problems } = read({ apiKey: 'pk_1' });
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [settings?.baseUrl, settings?.position, settings?.mode, settings?.autoOpen, settings?.showOnPages],
      ['https://support.example.com/chat', undefined, 'auto', false, undefined],
    );
    assert.equal(read({ apiKey: 'pk_1', baseUrl: 'http://localhost:8000' }).settings?.baseUrl, 'http://localhost:8000');
  });

  it('names a theme, or describes one', () => {
    assert.equal(read({ apiKey: 'pk_1', theme: 'dark' }).settings?.mode, 'dark');
    const { settings } = read({ apiKey: 'pk_1', theme: { mode: 'light', primaryColor: '#123456' } });
    assert.deepEqual([settings?.mode, settings?.primaryColor], ['light', '#123456']);
  });

  for (const [config, problem] of [
    [{ position: 'middle' }, 'position must be one of bottom-right, bottom-left, top-right, top-left, not "middle"'],
    [{ theme: 'blue' }, 'theme must be one of light, dark, auto, not "blue"'],
    [
      { theme: { primaryColor: 'nonsense' } },
      'theme.primaryColor must be a value of the CSS property color, not "nonsense"',
    ],
    [{ theme: { radius: 3 } }, /^theme\.radius is no option; there are /],
    [{ greeting: 7 }, 'greeting must be a text, not 7'],
    [{ behavior: true }, 'behavior must be an object'],
    [{ behavior: { autoOpen: 'yes' } }, 'behavior.autoOpen must be true or false, not "yes"'],
    [{ behavior: { showOnPages: '/help' } }, 'behavior.showOnPages must be a list of paths, not "/help"'],
    [{ behaviour: {} }, /^behaviour is no option; there are .*behavior/],
    [{ texts: { plaeholder: 'x' } }, /^texts\.plaeholder is no option/],
  ] as const) {
    it(`goes on without what is wrong: ${JSON.stringify(config)}`, () => {
      const { settings, problems } = read({ apiKey: 'pk_1', ...config });
      assert.equal(problems.length, 1);
      if (typeof problem === 'string') assert.equal(problems[0], problem);
      else assert.match(problems[0] ?? '', problem);
      assert.deepEqual(settings, read({ apiKey: 'pk_1' }).settings);
    });
  }

  it('needs a public key, and an address', () => {
    for (const [config, from, problem] of [
      [{}, scriptUrl, /^apiKey is missing/],
      [{ apiKey: ['sk', 'x'].join('_') }, scriptUrl, /^apiKey is a secret key/],
      [{ apiKey: 'pk_1' }, 'file:///widget.js', /^baseUrl is missing/],
      [['pk_1'], scriptUrl, /^the configuration must be an object/],
      [null, scriptUrl, /^the configuration must be an object/],
    ] as const) {
      const { settings, problems } = read(config, from);
      assert.equal(settings, undefined);
      assert.match(problems[0] ?? '', problem);
    }
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.dictionary(fc.constantFrom('theme', 'behavior', 'texts', 'apiKey'), fc.anything())),
        (config) => {
          const { settings, problems } = read(config);
          assert.ok(settings !== undefined || problems.length > 0);
        },
      ),
    );
  });
});

describe('the pages of the widget', () => {
  for (const [patterns, path, isShown] of [
    [undefined, '/anything', true],
    [[], '/', false],
    [['/support', '/help'], '/support', true],
    [['/support', '/help'], '/support/', true],
    [['/support', '/help'], '/help/lamps', true],
    [['/support', '/help'], '/helpdesk', false],
    [['/support', '/help'], '/', false],
    [['/help/'], '/help', true],
    [['/help*'], '/helpdesk', true],
    [['/'], '/', true],
    [['/'], '/help', false],
    [['*'], '/help', true],
  ] as const) {
    it(`${JSON.stringify(patterns)} ${isShown ? 'show' : 'do not show'} it at ${path}`, () => {
      assert.equal(isForPage(patterns, path), isShown);
    });
  }
});
