import { isWordUnit, letters } from '../characters.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';
import { endOfRun } from './prefixed.ts';

const tableOf = (pattern: RegExp) =>
  Uint8Array.from({ length: 128 }, (_, unit) => (pattern.test(String.fromCharCode(unit)) ? 1 : 0));

/** Whether the text ends within a word that may become the given one. */
function isBeginningOf(word: string, text: string, start: number): boolean {
  return text.length - start < word.length && word.startsWith(text.slice(start));
}

const longestToken = 8192;
const tokenUnits = tableOf(/[A-Za-z0-9_.-]/);

/** A JSON Web Token: three parts in base 64, whose first one is a header with an algorithm (RFC 7515). */
export const jwt: Recognizer = {
  kind: 'jwt',
  firstCharacters: 'e',
  lookBehind: 1,
  maxHeldBack: longestToken + 1,
  matchAt: (text, start, complete) => {
    if (!text.startsWith('eyJ', start)) return !complete && isBeginningOf('eyJ', text, start) ? undecided : nothing;
    const run = endOfRun(tokenUnits, text, start, start + longestToken);
    if (run === text.length && run - start < longestToken && !complete) return undecided;
    const [header = '', claims = '', signature] = text.slice(start, run).split('.', 3);
    if (signature === undefined || !claims.startsWith('ey') || !namesAlgorithm(header)) return nothing;
    const end = start + header.length + claims.length + signature.length + 2;
    // A signature that is cut in the middle is still a part of the token.
    return run - start === longestToken ? run : end;
  },
};

function namesAlgorithm(header: string): boolean {
  return /"(?:alg|typ|kid)"/.test(Buffer.from(header.slice(0, 400), 'base64url').toString('latin1'));
}

const longestKey = 8192;
const beginning = '-----BEGIN ';
const keyLabel = /^[A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----/;
const ending = /-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----/;
/** `RSA PRIVATE KEY BLOCK-----` at most. */
const longestLabel = 48;
/** What a key without an end consists of: base 64, line breaks (also written as `\n`) and headers. */
const keyUnits = tableOf(/[A-Za-z0-9+/=\\\s:,-]/);

/** A private key in PEM or in PGP's armour, from its first to its last line. If there is no last line, its base 64. */
export const privateKey: Recognizer = {
  kind: 'privateKey',
  firstCharacters: '-',
  lookBehind: 1,
  maxHeldBack: longestKey + 1,
  matchAt: (text, start, complete) => {
    if (!text.startsWith(beginning, start)) {
      return !complete && isBeginningOf(beginning, text, start) ? undecided : nothing;
    }
    const labelStart = start + beginning.length;
    const label = keyLabel.exec(text.slice(labelStart, labelStart + longestLabel));
    if (label === null) return !complete && text.length < labelStart + longestLabel ? undecided : nothing;
    const from = labelStart + label[0].length;
    const limit = start + longestKey;
    const end = ending.exec(text.slice(from, limit));
    if (end !== null) return from + end.index + end[0].length;
    if (text.length < limit && !complete) return undecided;
    const run = endOfRun(keyUnits, text, from, limit);
    return run - from >= 40 ? run : nothing;
  },
};

const longestUrl = 512;
const schemes = ['postgres', 'postgresql', 'mysql', 'mariadb', 'mongodb', 'mongodb+srv', 'redis', 'rediss', 'amqp'];
const moreSchemes = [
  'amqps',
  'mssql',
  'sqlserver',
  'clickhouse',
  'https',
  'http',
  'ftp',
  'sftp',
  'smtp',
  'smtps',
  'ldap',
];
const withAuthority = [...schemes, ...moreSchemes, 'ldaps', 'nats', 'git', 'ssh', 'cassandra', 'oracle'].map(
  (scheme) => `${scheme}://`,
);
const urlUnits = tableOf(/[\w!#$%&()*+,\-./:;=?@[\]~]/);
/** A user, perhaps without a name, and a password that is no placeholder. */
const userInfo = /^[^\s:@/]{0,128}:(?<password>[^\s@/]{3,256})@[^\s@]/;
const placeholder = /^(?:password|passwd|pass|pwd|secret|x{3,}|\*+|\.{3}|your.?password|\$.*|%.*|\[.*)$/i;

/** A URL with a password: of a database, a queue, or anything else. The match is the whole URL, since it tells where. */
export const urlWithPassword: Recognizer = {
  kind: 'urlWithPassword',
  firstCharacters: [...new Set(withAuthority.map((scheme) => scheme.charAt(0)))].join(''),
  lookBehind: 1,
  maxHeldBack: longestUrl + 1,
  matchAt: (text, start, complete) => {
    let from = 0;
    for (const scheme of withAuthority) {
      if (text.startsWith(scheme, start)) from = start + scheme.length;
      else if (!complete && isBeginningOf(scheme, text, start)) return undecided;
    }
    if (from === 0) return nothing;
    const run = endOfRun(urlUnits, text, from, start + longestUrl);
    if (run === text.length && run - start < longestUrl && !complete) return undecided;
    const password = userInfo.exec(text.slice(from, run))?.groups?.password;
    if (password === undefined || placeholder.test(password)) return nothing;
    return from + text.slice(from, run).replace(/[.,;:!?)\]]+$/, '').length;
  },
};

const secretUnits = tableOf(/[A-Za-z0-9_~.-]/);
const azureSecretLength = [37, 41] as const;

/** A client secret of Microsoft Entra: three characters, a digit, `Q~`, and 31 to 34 more. */
export const entraSecret: Recognizer = {
  kind: 'azure',
  firstCharacters: `${letters}0123456789`,
  lookBehind: 1,
  maxHeldBack: azureSecretLength[1] + 1,
  matchAt: (text, start, complete) => {
    const head = text.slice(start, start + 6);
    if (head.length < 6) return !complete && isStartOfEntra(head) ? undecided : nothing;
    if (!head.endsWith('Q~')) return nothing;
    const [min, max] = azureSecretLength;
    // One more, which decides whether the secret ends here.
    const run = endOfRun(secretUnits, text, start, start + max + 1);
    if (run === text.length && run - start <= max && !complete) return undecided;
    if (!/\d/.test(head.charAt(3)) || run - start < min || run - start > max) return nothing;
    return run < text.length && isWordUnit(text.charCodeAt(run)) ? nothing : run;
  },
};

function isStartOfEntra(head: string): boolean {
  return /^[\w~.-]{1,3}$|^[\w~.-]{3}\d(?:Q~?)?$/.test(head);
}

const longestValue = 200;
const shortestValue = 12;
const valueUnits = tableOf(/[A-Za-z0-9_\-+/=.~!@#$%^&*:?]/);
const nameLength = 48;
/** A name that says that its value is secret, then `=`, `:` or `=>`, perhaps with quotes. */
const secretName =
  /(?:pass(?:word|wd|phrase)|\bpwd|secret|api[_-]?key|apikey|access[_-]?key|auth[_-]?token|access[_-]?token|bearer[_-]?token|private[_-]?key|client[_-]?secret|encryption[_-]?key|signing[_-]?key|account[_-]?key)[A-Za-z0-9_]{0,16}["']?\s{0,3}(?:=>|:=|[:=])\s{0,3}["'`]?$/i;

/** The value of something that is called a secret: at least 12 characters, and as mixed as generated ones are. */
export const assignedSecret: Recognizer = {
  kind: 'assigned',
  firstCharacters: `${letters}0123456789`,
  lookBehind: nameLength,
  maxHeldBack: longestValue + 1,
  matchAt: (text, start, complete) => {
    if (!isAfterAssignment(text, start)) return nothing;
    if (!secretName.test(text.slice(Math.max(0, start - nameLength), start))) return nothing;
    const run = endOfRun(valueUnits, text, start, start + longestValue);
    if (run === text.length && run - start < longestValue && !complete) return undecided;
    const value = text.slice(start, run).replace(/[.:,;!?]+$/, '');
    if (value.length < shortestValue || !isMixed(value)) return nothing;
    return start + value.length;
  },
};

/** Whether `=`, `:` or a quote stands before, as before most words it does not. */
function isAfterAssignment(text: string, start: number): boolean {
  let before = start - 1;
  while (before >= 0 && start - before < 6 && (text.charCodeAt(before) === 32 || isQuote(text.charCodeAt(before))))
    before--;
  const unit = before >= 0 ? text.charCodeAt(before) : 0;
  return unit === 61 || unit === 58 || unit === 62;
}

function isQuote(unit: number): boolean {
  return unit === 34 || unit === 39 || unit === 96;
}

const fewestBits = 3;

/** Letters and digits, no expression of a program, and Shannon's entropy of at least three bits a character. */
function isMixed(value: string): boolean {
  if (!/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (/^(?:process\.env|os\.environ|env\.|secrets?\.|vault:|arn:|https?:|projects\/)/i.test(value)) return false;
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  const bits = [...counts.values()].reduce(
    (sum, count) => sum - (count / value.length) * Math.log2(count / value.length),
    0,
  );
  return bits >= fewestBits;
}
