import type { ScalarTag } from 'yaml';

/** The value that kubectl reads from a plain scalar. */
export type ScalarValue = string | number | boolean | null;

const words: ReadonlyMap<string, ScalarValue> = new Map(
  (
    [
      [true, 'y Y yes Yes YES true True TRUE on On ON'],
      [false, 'n N no No NO false False FALSE off Off OFF'],
      // Also the empty scalar.
      [null, ' ~ null Null NULL'],
      [Number.NaN, '.nan .NaN .NAN'],
      [Number.POSITIVE_INFINITY, '.inf .Inf .INF +.inf +.Inf +.INF'],
      [Number.NEGATIVE_INFINITY, '-.inf -.Inf -.INF'],
    ] as const
  ).flatMap(([value, spellings]) => spellings.split(' ').map((word): [string, ScalarValue] => [word, value])),
);

const integer = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/;
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/**
 * Reads a plain scalar as kubectl does: YAML 1.1 as in go-yaml v2, whose `resolve` this follows. Octal numbers begin
 * with 0 or 0o, underscores may separate digits, and times of day and dates are text.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2.4.4/resolve.go
 */
export function resolveScalar(text: string): ScalarValue {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  return readInteger(plain) ?? readFloat(plain) ?? text;
}

/** A number of more than 64 bits is not an integer. */
function readInteger(plain: string): number | undefined {
  // The sign of a binary number may also stand behind its prefix.
  const [, sign = '', digits = ''] = integer.exec(plain.replace(/^0b([-+])/, '$10b')) ?? [];
  if (digits === '') return undefined;
  const magnitude = BigInt(digits.replace(/^0([0-7]+)$/, '0o$1'));
  const value = sign === '-' ? -magnitude : magnitude;
  const fits = BigInt.asIntN(64, value) === value || (sign === '' && BigInt.asUintN(64, value) === value);
  return fits ? Number(value) : undefined;
}

function readFloat(plain: string): number | undefined {
  if (!float.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

/** kubectl sends JSON, which has no infinity and no NaN. */
function resolvePlain(text: string, onError: (message: string) => void): ScalarValue {
  const value = resolveScalar(text);
  if (typeof value === 'number' && !Number.isFinite(value)) onError(`${text} cannot be a value`);
  return value;
}

/** A scalar with an explicit type tag. */
function explicit(name: string, isRight: (value: ScalarValue) => boolean): ScalarTag {
  return {
    tag: `tag:yaml.org,2002:${name}`,
    resolve(text, onError) {
      const value = resolvePlain(text, onError);
      if (!isRight(value)) onError(`${JSON.stringify(text)} cannot be a !!${name}`);
      return value;
    },
  };
}

const asText = (name: string, read: (text: string) => string): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  resolve: read,
});

/** Tags for the package `yaml` that read scalars as kubectl does. Use them with schema `failsafe` and `merge`. */
export const kubectlTags: readonly ScalarTag[] = [
  // All plain scalars except the merge key `<<`.
  { tag: 'tag:chaperone.dev,2026:plain', default: true, test: /^(?!<<$)/, resolve: resolvePlain },
  explicit('null', (value) => value === null),
  explicit('bool', (value) => typeof value === 'boolean'),
  explicit('int', (value) => Number.isInteger(value)),
  explicit('float', (value) => typeof value === 'number'),
  asText('timestamp', (text) => text),
  asText('binary', (text) => Buffer.from(text, 'base64').toString('utf8')),
];
