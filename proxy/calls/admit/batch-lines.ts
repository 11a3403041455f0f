import { isUtf8 } from 'node:buffer';
import { type CallFields, findListedField, findLookalike, readCallFields } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';
import { batchEndpoints } from '../../operations/batch-endpoints.ts';
import { asObject, type Body, parseObject } from '../../providers/json.ts';
import { linesOf } from '../../providers/openai/lines.ts';
import { relay } from '../../providers/relay.ts';
import { chargeParsing } from '../receive/receive-body.ts';
import { lineOutput } from '../reserve/needs.ts';
import type { BatchLines } from '../reserve/reserve.ts';
import { sentModel } from '../route/sent-model.ts';
import type { OwnCheck } from './admission.ts';
import { describeLookalike } from './body.ts';
import { fieldNames, scanJson } from './json-text.ts';

/**
 * Checks each line of a batch's input file as a call: its API, its model, its references. A stored file cannot change,
 * so the provider will process exactly the checked lines.
 *
 * @throws {ProxyError} naming the line
 */
export const admitLines: OwnCheck = async ({ context, body }, key, admission, { exchange }) => {
  const { share } = context;
  const operation = batchEndpoints.get(body.endpoint);
  if (!operation) {
    const message = `endpoint must be one of ${[...batchEndpoints.keys()].join(', ')}`;
    throw new ProxyError('invalid_request', { param: 'endpoint', message });
  }
  admission.open(context, operation);
  if (typeof body.input_file_id !== 'string' || body.input_file_id === '') {
    const message = 'input_file_id must be the id of an uploaded file, as a string';
    throw new ProxyError('invalid_request', { param: 'input_file_id', message });
  }
  const file = await relay(exchange, {
    method: 'GET',
    path: `/files/${encodeURIComponent(body.input_file_id)}/content`,
    key,
    headers: { 'user-agent': 'chaperone' },
    body: undefined,
    signal: AbortSignal.timeout(key.provider.headersTimeoutMs),
  });
  if (file.status !== 200) {
    file.body.destroy();
    throw new ProxyError('upstream_invalid_response', { param: 'input_file_id' });
  }
  const lines: BatchLines = { count: 0, inputBytes: 0, outputTokens: 0, models: new Map() };
  const judge = async (line: Buffer): Promise<void> => {
    const bytes = chargeParsing(line, share);
    const text = line.toString('utf8');
    if (text.trim() !== '') {
      if (!isUtf8(line)) throw refusal('it must be valid UTF-8');
      const { call, fields } = readLine(text, body.endpoint);
      const { references, models: otherModels } = fields;
      const fixed = { key, param: 'input_file_id' };
      await admission.admit({
        context,
        operation,
        body: call,
        said: call,
        isRewritable: false,
        otherModels,
        references,
        fixed,
      });
      const name = sentModel(key, String(call.model));
      if (name !== call.model) throw refusal(renamed(String(call.model), name));
      addLine(lines, String(call.model), line.length, lineOutput(operation.name, call));
    }
    share.add(-bytes);
  };
  let number = 1;
  try {
    for await (const line of linesOf(file.body, share)) {
      await judge(line);
      number += 1;
    }
  } catch (error) {
    throw error instanceof ProxyError ? error.within(`line ${number} of the input file`, 'input_file_id') : error;
  }
  return lines;
};

function addLine(lines: BatchLines, model: string, bytes: number, outputTokens: number): void {
  const ofModel = lines.models.get(model) ?? { inputBytes: 0, outputTokens: 0 };
  ofModel.inputBytes += bytes;
  ofModel.outputTokens += outputTokens;
  lines.models.set(model, ofModel);
  lines.count += 1;
  lines.inputBytes += bytes;
  lines.outputTokens += outputTokens;
}

/** Reads the call in a line. @throws {ProxyError} where it is not a call, or could be read in two ways */
function readLine(text: string, endpoint: unknown): { call: Body; fields: CallFields } {
  const line = parseObject(text);
  const call = asObject(line?.body);
  if (!line || !call) throw refusal('it must be a JSON object with a body');
  const fields = readCallFields(call);
  judgeReading(line, fields, text);
  if (line.url !== endpoint) throw refusal('it must have the url of the batch');
  if (typeof call.model !== 'string') throw refusal('its body must name a model');
  if ('persona_id' in call) throw new ProxyError('persona_not_supported');
  return { call, fields };
}

const lineFields = ['url', 'body', 'method'];

/**
 * Refuses a line that another parser could read differently. A line cannot be rewritten, so it must be unambiguous as
 * it is.
 */
function judgeReading(line: Body, fields: CallFields, text: string): void {
  const { lookalike, isTooDeep } = fields;
  const { nameCount, hasEscapedNames } = scanJson(text);
  if (isTooDeep) throw refusal('it is nested too deep');
  const other = findLookalike(line, lineFields) ?? lookalike;
  if (other) throw refusal(describeLookalike(other));
  if (nameCount === readCallFields(line).fieldCount && !hasEscapedNames) return;
  for (const { name, isRepeated, isEscaped } of fieldNames(text)) {
    if (isRepeated) throw refusal(`${name.slice(0, 200)} must stand only once in an object`);
    const isJudged = findListedField(name) !== undefined || lineFields.includes(name);
    if (isEscaped && isJudged) throw refusal(`${name} must be written without escapes`);
  }
}

/** The provider reads the file as it was uploaded. */
function renamed(model: string, name: string | undefined): string {
  const said = JSON.stringify(model.slice(0, 200));
  return `its provider calls the model ${said} ${JSON.stringify(name)}, and a file cannot be changed; name the model as the provider does`;
}

function refusal(message: string): ProxyError {
  return new ProxyError('invalid_request', { message });
}
