import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeProxy, proxyFor, readEgressSettings } from '../../../proxy/egress/settings.ts';

describe('the environment names', () => {
  const rows: readonly [
    title: string,
    environment: Record<string, string>,
    http?: string | undefined,
    https?: string,
  ][] = [
    ['nothing', {}],
    ['nothing, said so', { HTTPS_PROXY: '', NO_PROXY: 'a' }],
    ['one for TLS', { HTTPS_PROXY: 'http://p:3128' }, undefined, 'http://p:3128/'],
    ['one for each', { HTTP_PROXY: 'http://a', HTTPS_PROXY: 'https://b' }, 'http://a/', 'https://b/'],
    ['one without a scheme', { HTTP_PROXY: 'p:3128' }, 'http://p:3128/'],
    ['one in lower case, which goes before', { HTTP_PROXY: 'http://a', http_proxy: 'http://b' }, 'http://b/'],
  ];
  for (const [title, environment, http, https] of rows) {
    test(title, () => {
      const settings = readEgressSettings(environment);
      assert.deepEqual([settings?.httpProxy?.href, settings?.httpsProxy?.href], [http, https]);
      assert.equal(settings === undefined, http === undefined && https === undefined);
    });
  }

  for (const value of ['socks5://u:s3cret@p', 'http://', 'ftp://p:s3cret@q', 'http://a b:s3cret@']) {
    test(`what is no proxy: ${value.split(':')[0]}`, () => {
      assert.throws(
        () => readEgressSettings({ HTTPS_PROXY: value }),
        (error: Error) =>
          /^HTTPS_PROXY must be a URL of http or https/.test(error.message) && !/s3cret/.test(error.message),
      );
    });
  }
});

describe('NO_PROXY', () => {
  const rows: readonly [noProxy: string, origin: string, isDirect: boolean][] = [
    ['', 'https://api.openai.com', false],
    ['', 'http://localhost:11434', true],
    ['', 'http://127.0.0.1:11434', true],
    ['', 'http://127.1.2.3', true],
    ['', 'http://[::1]:80', true],
    ['', 'http://localhost.example.com', false],
    ['*', 'https://api.openai.com', true],
    ['openai.com', 'https://openai.com', true],
    ['openai.com', 'https://api.openai.com', true],
    ['openai.com', 'https://notopenai.com', false],
    ['.openai.com', 'https://api.openai.com', true],
    ['*.openai.com', 'https://api.openai.com', true],
    ['API.OpenAI.com.', 'https://api.openai.com.', true],
    ['a.test, b.test', 'https://b.test', true],
    ['a.test b.test', 'https://b.test', true],
    ['b.test:8443', 'https://b.test:8443', true],
    ['b.test:8443', 'https://b.test', false],
    ['b.test:443', 'https://b.test', true],
    ['.svc,.cluster.local', 'http://sandbox.chaperone-system.svc:8080', true],
    ['10.0.0.0/8', 'http://10.96.0.7:8000', true],
    ['10.0.0.0/8', 'http://11.0.0.1', false],
    ['10.0.0.0/99', 'http://10.0.0.1', false],
    ['10.0.0.7', 'http://10.0.0.7', true],
    ['0.0.7', 'http://10.0.0.7', false],
    ['10.0.0.7:80', 'http://10.0.0.7', true],
    ['10.0.0.7:81', 'http://10.0.0.7', false],
    ['fd00::/8', 'http://[fd00::7]', true],
    ['fd00::7', 'http://[fd00::7]', true],
    ['[fd00::7]:8080', 'http://[fd00::7]:8080', true],
    ['[fd00::7]:8080', 'http://[fd00::7]', false],
    [',, ,', 'https://api.openai.com', false],
  ];
  for (const [noProxy, origin, isDirect] of rows) {
    test(`"${noProxy}": ${origin} ${isDirect ? 'directly' : 'by the proxy'}`, () => {
      const proxy = new URL('http://bob:s3cret@proxy.test:3128');
      const found = proxyFor(new URL(origin), { httpProxy: proxy, httpsProxy: proxy, noProxy });
      assert.equal(found === undefined, isDirect);
    });
  }

  test('does not matter for a scheme without a proxy', () => {
    const httpsProxy = new URL('http://proxy.test');
    assert.equal(proxyFor(new URL('http://provider.test'), { httpsProxy, noProxy: '' }), undefined);
    assert.equal(proxyFor(new URL('https://provider.test'), { httpsProxy, noProxy: '' }), httpsProxy);
  });
});

test('a proxy is shown without its password', () => {
  assert.equal(describeProxy(new URL('http://bob:s3cret@proxy.test:3128/x')), 'http://proxy.test:3128');
});
