import { type Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, asString, type Body, parseExactly } from '../../json.ts';
import { carryParts, textBlocks } from './parts.ts';

/** The instructions of a chat, and what else was said in it. */
export interface CarriedMessages {
  readonly system: readonly Body[];
  readonly messages: readonly Body[];
}

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: Body[];
}

/** Of what an assistant said before, these say nothing that a model reads. */
const ofAssistants = new Set(['role', 'content', 'refusal', 'tool_calls', 'annotations']);
const ofOthers = new Set(['role', 'content']);
const ofTools = new Set(['role', 'content', 'tool_call_id']);

/**
 * Carries the messages of a chat. Instructions, wherever they are, become the system text. Messages of one side that
 * follow each other become one, so that the results of parallel calls are together, as Anthropic requires.
 *
 * @throws {ProxyError} `invalid_request` with what cannot be carried
 */
export function carryMessages(list: unknown, carrier: Carrier): CarriedMessages {
  const system: Body[] = [];
  const turns: Turn[] = [];
  const say = (role: Turn['role'], blocks: readonly Body[]) => {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else turns.push({ role, content: [...blocks] });
  };
  for (const [index, value] of asArray(list).entries()) {
    const path = `messages[${index}]`;
    const message = asObject(value);
    switch (message?.role) {
      case 'system':
      case 'developer':
        carrier.onlyKnown(message, ofOthers, `${path}.`);
        system.push(...textBlocks(message.content, `${path}.content`, carrier));
        break;
      case 'user':
        carrier.onlyKnown(message, ofOthers, `${path}.`);
        say('user', carryParts(message.content, `${path}.content`, carrier));
        break;
      case 'assistant':
        carrier.onlyKnown(message, ofAssistants, `${path}.`);
        say('assistant', carryAssistant(message, path, carrier));
        break;
      case 'tool':
        carrier.onlyKnown(message, ofTools, `${path}.`);
        say('user', [carryResult(message, path, carrier)]);
        break;
      default:
        carrier.refuse(`${path}.role`);
    }
  }
  return { system, messages: turns.map(({ role, content }) => ({ role, content: simplify(content) })) };
}

/** Plain text is written as text. */
function simplify(content: readonly Body[]): string | readonly Body[] {
  const [first] = content;
  const isPlain = content.length === 1 && first?.type === 'text' && Object.keys(first).length === 2;
  return isPlain ? String(first.text) : content;
}

function carryAssistant(message: Body, path: string, carrier: Carrier): Body[] {
  const said = textBlocks(message.content, `${path}.content`, carrier);
  const refusal = asString(message.refusal) ?? '';
  const refused = refusal === '' ? [] : [{ type: 'text', text: refusal }];
  const calls = asArray(message.tool_calls).map((value, index) =>
    carryCall(asObject(value), `${path}.tool_calls[${index}]`, carrier),
  );
  return [...said, ...refused, ...calls];
}

function carryCall(call: Body | null, path: string, carrier: Carrier): Body {
  const called = asObject(call?.function);
  if (!call || !called) return carrier.refuse(`${path}.type`, 'takes calls of functions alone');
  const json = asString(called.arguments) ?? '';
  const input = json.trim() === '' ? {} : readInput(json);
  if (!input) return carrier.refuse(`${path}.function.arguments`, 'must be a JSON object');
  return { type: 'tool_use', id: call.id, name: called.name, input };
}

function readInput(json: string): Body | null {
  try {
    return asObject(parseExactly(json));
  } catch {
    return null;
  }
}

function carryResult(message: Body, path: string, carrier: Carrier): Body {
  const content = textBlocks(message.content, `${path}.content`, carrier);
  return {
    type: 'tool_result',
    tool_use_id: message.tool_call_id,
    ...(!isAbsent(content) && { content: simplify(content) }),
  };
}
