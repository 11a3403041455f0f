import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { DetectorConfigError } from './config-error.ts';

/** Where a text breaks a schema. It never has anything of the text but the names of fields that the schema knows. */
export interface SchemaProblem {
  /** A JSON pointer into the text. Empty: the text as a whole. */
  readonly path: string;
  /** The keyword of the schema that is not met, such as `required`; `json`: the text is not JSON. */
  readonly keyword: string;
  /** A sentence without values of the text. */
  readonly message: string;
}

export interface SchemaCheck {
  /** @returns undefined if the text is JSON that meets the schema */
  check(text: string): SchemaProblem | undefined;
}

const largestSchema = 64 * 1024;

/**
 * Compiles a JSON schema (2020-12). Its patterns run in linear time, by re2js. References stay within the schema.
 * @throws {DetectorConfigError}
 */
export function makeSchemaCheck(schema: object): SchemaCheck {
  if (JSON.stringify(schema).length > largestSchema) {
    throw new DetectorConfigError('schema', `must have at most ${largestSchema / 1024} KiB`);
  }
  const validate = compile(schema);
  return {
    check: (text) => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return { path: '', keyword: 'json', message: 'must be JSON' };
      }
      if (validate(value)) return undefined;
      const [error] = validate.errors ?? [];
      if (error === undefined) return { path: '', keyword: 'schema', message: 'must match the schema' };
      return {
        path: withoutUnknownFields(schema, error.instancePath),
        keyword: error.keyword,
        message: error.message ?? '',
      };
    },
  };
}

function compile(schema: object) {
  const ajv = new Ajv2020({ strict: false, validateFormats: true, code: { regExp: linearRegExp } });
  addFormats.default(ajv);
  try {
    return ajv.compile(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DetectorConfigError('schema', `must be a JSON schema: ${reason}`, { cause: error });
  }
}

/** What ajv asks of an engine of regular expressions. Its `code` is only for schemas that are written to files. */
const linearRegExp = Object.assign(
  (pattern: string) => {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (text: string) => compiled.matcher(text).find(), toString: () => pattern };
  },
  { code: 'linearRegExp' },
);

/** The names of fields that the schema does not have may say something of the text. */
function withoutUnknownFields(schema: object, path: string): string {
  const known = JSON.stringify(schema);
  return path
    .split('/')
    .map((part) => (part === '' || /^\d+$/.test(part) || known.includes(JSON.stringify(part)) ? part : '*'))
    .join('/');
}
