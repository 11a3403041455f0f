import type { Random } from './random.ts';

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const alphanumeric = lower + upper + digits;
const base64url = `${alphanumeric}_-`;
const hex = `${digits}abcdef`;

/** Ends with a letter, as a key that ends with `-` before a full stop is hard to tell for anybody. */
const url = (random: Random, length: number) =>
  random.characters(base64url, length - 2) + random.characters(digits, 1) + random.characters(lower, 1);
const plain = (random: Random, length: number) =>
  random.characters(alphanumeric, length - 1) + random.characters(digits, 1);

/** A secret of each kind, in the form that its issuer documents. They open nothing. */
const makers: readonly (readonly [kind: string, make: (random: Random) => string])[] = [
  ['openai', (random) => `sk-proj-${url(random, 74)}T3BlbkFJ${url(random, 74)}`],
  ['openai', (random) => `sk-${plain(random, 20)}T3BlbkFJ${plain(random, 20)}`],
  ['openai', (random) => `sk-svcacct-${url(random, 100)}`],
  ['anthropic', (random) => `sk-ant-api03-${url(random, 93)}AA`],
  ['aws', (random) => `${random.pick(['AKIA', 'ASIA'])}${random.characters(`${upper}234567`, 16)}`],
  ['gcp', (random) => `AIzaSy${url(random, 33)}`],
  ['gcp', (random) => `GOCSPX-${url(random, 28)}`],
  ['azure', (random) => `${plain(random, 3)}8Q~${url(random, 34)}`],
  ['github', (random) => `${random.pick(['ghp', 'gho', 'ghu', 'ghs', 'ghr'])}_${plain(random, 36)}`],
  ['github', (random) => `github_pat_${plain(random, 22)}_${plain(random, 59)}`],
  ['gitlab', (random) => `glpat-${url(random, 20)}`],
  ['slack', (random) => `xoxb-${random.digits(12)}-${random.digits(13)}-${plain(random, 24)}`],
  [
    'slack',
    (random) =>
      `hooks.slack.com/services/T${random.characters(upper, 10)}/B${random.characters(upper, 10)}/${plain(random, 24)}`,
  ],
  ['stripe', (random) => `${random.pick(['sk', 'rk'])}_${random.pick(['live', 'test'])}_${plain(random, 24)}`],
  ['npm', (random) => `npm_${plain(random, 36)}`],
  ['pypi', (random) => `pypi-AgEIcHlwaS5vcmc${url(random, 140)}`],
  ['twilio', (random) => `SK${random.characters(hex, 30)}a1`],
  ['sendgrid', (random) => `SG.${url(random, 22)}.${url(random, 43)}`],
  ['chaperone', (random) => `chp_${url(random, 32)}`],
  ['jwt', makeJwt],
  ['privateKey', makePem],
  ['urlWithPassword', makeUrl],
  ['huggingface', (random) => `hf_${random.characters(lower + upper, 34)}`],
  ['databricks', (random) => `dapi${random.characters(hex, 31)}7`],
  ['digitalocean', (random) => `dop_v1_${random.characters(hex, 64)}`],
];

export interface Secret {
  readonly kind: string;
  readonly value: string;
}

export function makeSecret(random: Random): Secret {
  const [kind, make] = random.pick(makers);
  return { kind, value: make(random) };
}

function makeJwt(random: Random): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = random.pick([
    { alg: 'HS256', typ: 'JWT' },
    { alg: 'RS256', kid: random.characters(hex, 8) },
  ]);
  return `${part(header)}.${part({ sub: random.characters(hex, 12), iat: random.integer(1.6e9, 1.9e9) })}.${url(random, 43)}`;
}

function makePem(random: Random): string {
  const label = random.pick(['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY']);
  const lines = Array.from({ length: random.integer(3, 8) }, () => random.characters(`${alphanumeric}+/`, 64));
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n');
}

function makeUrl(random: Random): string {
  const scheme = random.pick(['postgres', 'postgresql', 'mysql', 'mongodb+srv', 'redis', 'amqp', 'https']);
  const host = `${random.pick(['db', 'cache', 'queue'])}.example.com`;
  return `${scheme}://${random.characters(lower, 6)}:${plain(random, 14)}@${host}:${random.integer(1024, 9999)}/main`;
}
