import { type Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, asString, type Body } from '../../json.ts';

const ofText = new Set(['type', 'text', 'cache_control', 'citations']);

/** The text of blocks. @throws {ProxyError} where one is not text */
export function textOf(content: unknown, path: string, carrier: Carrier): string {
  if (typeof content === 'string') return content;
  const texts = asArray(content).map((value, index) =>
    textOfBlock(asObject(value) ?? {}, `${path}[${index}]`, carrier),
  );
  return texts.filter((text) => text !== '').join('\n\n');
}

function textOfBlock(block: Body, at: string, carrier: Carrier): string {
  if (block.type !== 'text') carrier.refuse(`${at}.type`, 'takes text alone here');
  carrier.onlyKnown(block, ofText, `${at}.`);
  return asString(block.text) ?? '';
}

/**
 * Carries a message. The results of tools in it become messages of their own, before the rest.
 *
 * @throws {ProxyError} `invalid_request` with what cannot be carried
 */
export function carryTurn(value: unknown, path: string, carrier: Carrier): Body[] {
  const message = asObject(value);
  const at = `${path}.content`;
  switch (message?.role) {
    case 'system':
      return [{ role: 'system', content: textOf(message.content, at, carrier) }];
    case 'assistant':
      return [carryAssistant(message.content, at, carrier)];
    case 'user':
      return carryUser(message.content, at, carrier);
    default:
      return carrier.refuse(`${path}.role`);
  }
}

/** Thoughts are left out: only Anthropic can read what it has signed. */
const thoughts: readonly unknown[] = ['thinking', 'redacted_thinking'];

function carryAssistant(content: unknown, path: string, carrier: Carrier): Body {
  if (typeof content === 'string') return { role: 'assistant', content };
  let text = '';
  const calls: Body[] = [];
  for (const [index, value] of asArray(content).entries()) {
    const block = asObject(value) ?? {};
    if (thoughts.includes(block.type)) continue;
    if (block.type === 'tool_use') {
      const called = { name: block.name, arguments: JSON.stringify(block.input ?? {}) };
      calls.push({ id: block.id, type: 'function', function: called });
    } else text += textOfBlock(block, `${path}[${index}]`, carrier);
  }
  const said = text === '' && calls.length > 0 ? null : text;
  return { role: 'assistant', content: said, ...(calls.length > 0 && { tool_calls: calls }) };
}

function carryUser(content: unknown, path: string, carrier: Carrier): Body[] {
  if (typeof content === 'string') return [{ role: 'user', content }];
  const results: Body[] = [];
  const parts: Body[] = [];
  for (const [index, value] of asArray(content).entries()) {
    const block = asObject(value) ?? {};
    const at = `${path}[${index}]`;
    if (block.type === 'tool_result') results.push(carryResult(block, at, carrier));
    else parts.push(...carryPart(block, at, carrier));
  }
  return [...results, ...(parts.length > 0 ? [{ role: 'user', content: simplify(parts) }] : [])];
}

/** Plain text is written as text, which more servers take. */
function simplify(parts: readonly Body[]): unknown {
  const [first] = parts;
  return parts.length === 1 && first?.type === 'text' ? first.text : parts;
}

const ofResult = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

/** A chat completion cannot mark a result as an error, so its text begins with the word. */
function carryResult(block: Body, at: string, carrier: Carrier): Body {
  carrier.onlyKnown(block, ofResult, `${at}.`);
  const text = textOf(block.content, `${at}.content`, carrier);
  const content = block.is_error === true ? `Error: ${text}` : text;
  return { role: 'tool', tool_call_id: block.tool_use_id, content };
}

function carryPart(block: Body, at: string, carrier: Carrier): Body[] {
  const source = asObject(block.source);
  switch (block.type) {
    case 'text': {
      const text = textOfBlock(block, at, carrier);
      return text === '' ? [] : [{ type: 'text', text }];
    }
    case 'image':
      return [{ type: 'image_url', image_url: { url: urlOf(source, at, carrier) } }];
    case 'document':
      return carryDocument(block, source, at, carrier);
    default:
      return carrier.refuse(`${at}.type`, `takes no block of the type ${JSON.stringify(block.type)}`);
  }
}

function urlOf(source: Body | null, at: string, carrier: Carrier): unknown {
  if (source?.type === 'url') return source.url;
  if (source?.type === 'base64') return dataUrlOf(source);
  return carrier.refuse(`${at}.source.type`, 'takes pictures as base64 or by their URL');
}

function dataUrlOf({ media_type, data }: Body): string {
  return `data:${String(media_type)};base64,${String(data)}`;
}

const ofDocument = new Set(['type', 'source', 'title', 'context', 'cache_control', 'citations']);

function carryDocument(block: Body, source: Body | null, at: string, carrier: Carrier): Body[] {
  carrier.onlyKnown(block, ofDocument, `${at}.`);
  if (asObject(block.citations)?.enabled === true) carrier.refuse(`${at}.citations`);
  const title = asString(block.title);
  const context = isAbsent(block.context) ? [] : [{ type: 'text', text: block.context }];
  if (source?.type === 'text') {
    const text = title === null ? source.data : `${title}\n\n${String(source.data)}`;
    return [...context, { type: 'text', text }];
  }
  if (source?.type !== 'base64') carrier.refuse(`${at}.source.type`, 'takes documents as base64 or text');
  const file = { filename: title ?? 'document.pdf', file_data: dataUrlOf(source ?? {}) };
  return [...context, { type: 'file', file }];
}
