import type { IncomingHttpHeaders } from 'node:http';
import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import { responses } from '../../operations/responses.ts';
import { simpleResponses } from '../../operations/simple-responses.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** Operations that can answer in contract 0's own shape, and how they do. */
const simpleForms: ReadonlyMap<Operation, Operation> = new Map([[responses, simpleResponses]]);

/**
 * The operation as it answers this caller: in the provider's shape, unless X-Response-Format or the organization says
 * otherwise.
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
