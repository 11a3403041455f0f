import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DetectorConfigError } from '../../../../../proxy/guardrails/detect/config-error.ts';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { assertByteSplits, assertSplits, found } from '../splits.ts';

// Made up: none of these opens anything.
const mixed = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0';
const hex = '0123456789abcdef'.repeat(4);
const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc/+=\n-----END RSA PRIVATE KEY-----';

const texts: readonly (readonly [text: string, ...[kind: string, text: string][]])[] = [
  [`Use chp_${mixed.slice(0, 32)}.`, ['chaperone', `chp_${mixed.slice(0, 32)}`]],
  [`OPENAI_API_KEY=sk-proj-${mixed}`, ['openai', `sk-proj-${mixed}`]],
  [`"sk-${mixed.slice(0, 48)}"`, ['openai', `sk-${mixed.slice(0, 48)}`]],
  [`sk-ant-api03-${mixed}-AA, then`, ['anthropic', `sk-ant-api03-${mixed}-AA`]],
  ['id AKIAIOSFODNN7EXAMPLE!', ['aws', 'AKIAIOSFODNN7EXAMPLE']],
  [`AIza${mixed.slice(0, 35)}`, ['gcp', `AIza${mixed.slice(0, 35)}`]],
  [`AccountKey=${mixed.slice(0, 42)}=;`, ['azure', `AccountKey=${mixed.slice(0, 42)}=`]],
  [`abc8Q~${mixed.slice(0, 34)} end`, ['azure', `abc8Q~${mixed.slice(0, 34)}`]],
  [
    `ghp_${mixed.slice(0, 36)}, glpat-${mixed.slice(0, 20)}`,
    ['github', `ghp_${mixed.slice(0, 36)}`],
    ['gitlab', `glpat-${mixed.slice(0, 20)}`],
  ],
  ['xoxb-123456789012-123456789012-abcdefABCDEF', ['slack', 'xoxb-123456789012-123456789012-abcdefABCDEF']],
  [
    `sk_live_${mixed.slice(0, 24)} npm_${mixed.slice(0, 36)}`,
    ['stripe', `sk_live_${mixed.slice(0, 24)}`],
    ['npm', `npm_${mixed.slice(0, 36)}`],
  ],
  [`pypi-AgEIcHlwaS5vcmc${mixed}`, ['pypi', `pypi-AgEIcHlwaS5vcmc${mixed}`]],
  [`SG.${mixed.slice(0, 22)}.${mixed.slice(0, 43)}`, ['sendgrid', `SG.${mixed.slice(0, 22)}.${mixed.slice(0, 43)}`]],
  [`SK${hex.slice(0, 32)}`, ['twilio', `SK${hex.slice(0, 32)}`]],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123. ok', ['jwt', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123']],
  [`key:\n${pem}\nrest`, ['privateKey', pem]],
  ['postgres://app:s3cr3tPW@db:5432/x?y=1, and', ['urlWithPassword', 'postgres://app:s3cr3tPW@db:5432/x?y=1']],
  ['redis://:s3cr3tPW@cache:6379/0', ['urlWithPassword', 'redis://:s3cr3tPW@cache:6379/0']],
  ['password = "hunter2hunter2X9";', ['assigned', 'hunter2hunter2X9']],
  ['{"clientSecret":"k3Jh8Lm2Pq9Rs4Tv"}', ['assigned', 'k3Jh8Lm2Pq9Rs4Tv']],
  ['postgres://user:password@localhost/db, postgres://user:$DB_PASSWORD@localhost, https://example.com/a:b@c'],
  ['sk-learn, sk-toggle__control, ghp_short, AKIA, npm_config_registry, SG.1, eyJ.eyJ.x, sk-a-b-c-d-e'],
  ['password: process.env.DB_PASSWORD2, password: string, api_key=os.environ["KEY1"], secret: the one I told you'],
  [`abc8Q~${mixed.slice(0, 36)}: one character too many`],
  [`commit ${hex.slice(0, 40)}, sha256:${hex}, 550e8400-e29b-41d4-a716-446655440000`],
  ['-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----'],
];

suite('secrets', () => {
  for (const [text, ...expected] of texts) {
    test(`finds ${expected.map(([kind]) => kind).join(', ') || 'nothing'} in ${text.slice(0, 60)}`, async () => {
      const detector = await makeDetector({ detector: 'secrets' });
      assert.deepEqual(found(detector, text), expected);
      assertSplits(detector, text);
      assertByteSplits(detector, text);
    });
  }

  test('finds a private key that has no end, up to its last line', async () => {
    const detector = await makeDetector({ detector: 'secrets', kinds: ['privateKey'] });
    const cut = `-----BEGIN PRIVATE KEY-----\n${mixed}\n${mixed}`;
    assert.deepEqual(found(detector, cut), [['privateKey', cut]]);
    assertSplits(detector, cut);
  });

  test('refuses kinds that there are not', async () => {
    await assert.rejects(
      makeDetector({ detector: 'secrets', kinds: ['aws', 'awz'] }),
      (error) => error instanceof DetectorConfigError && error.field === 'kinds[1]',
    );
  });
});
