import { Ajv2020 } from 'ajv/dist/2020.js';
import { DetectorConfigError } from '../detect/config-error.ts';
import type { Look, RuleSpec } from '../rule.ts';

/** Checks that an answer is JSON of a schema (draft 2020-12). @throws {DetectorConfigError} where the schema is none */
export function schema({ schema: stated }: NonNullable<RuleSpec['schema']>): Look {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false });
  let isValid: (value: unknown) => boolean;
  try {
    isValid = ajv.compile(stated);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DetectorConfigError('schema', `must be a JSON schema: ${why}`, { cause });
  }
  return {
    by: 'shape',
    isRight(answer) {
      let value: unknown;
      try {
        value = JSON.parse(answer);
      } catch {
        return false;
      }
      return isValid(value);
    },
  };
}
