import type { IncomingHttpHeaders } from 'node:http';
import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import { responses } from '../../operations/responses.ts';
import { simpleResponses } from '../../operations/simple-responses.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** Operations that can answer in the simple format, with their variants. */
const simpleForms: ReadonlyMap<Operation, Operation> = new Map([[responses, simpleResponses]]);

/**
 * Chooses the variant of the operation that answers this caller. The answer has the provider's format, unless
 * X-Response-Format or the organization asks for the simple one.
 *
 * @throws {ProxyError} `invalid_header`
 */
export function inResponseFormat(operation: Operation, headers: IncomingHttpHeaders, { spec }: Snapshot): Operation {
  const asked = headers['x-response-format'];
  const format = asked === undefined ? spec.responseFormat : String(asked).trim().toLowerCase();
  switch (format) {
    case undefined:
    case 'OpenAI':
    case 'openai':
      return operation;
    case 'Simple':
    case 'simple':
      return simpleForms.get(operation) ?? operation;
    default: {
      const param = 'X-Response-Format';
      throw new ProxyError('invalid_header', { param, message: `${param} must be openai or simple` });
    }
  }
}
