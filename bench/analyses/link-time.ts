import { type Asked, type Link, makeLink } from '../../proxy/conversations/links.ts';
import { median } from '../benchmark.ts';

const lengths = [9, 19, 39] as const;
const rounds = 300;
/** V8 has compiled all of it by then. */
const warmUps = 300;
const chats = 4;
const filler = 'What did the customer order, when did it leave, and where is it now? '.repeat(6);
const envelope = { lastingKey: () => Buffer.alloc(32, 1) };

/**
 * Measures the linking alone, in this process: the time of a call that has so many messages, of some 400 characters each.
 * `known`: its proxy has linked the call before. `unknown`: another one has. Medians, in microseconds.
 */
export function measureLinks(): Record<string, number> {
  const link = makeProxy();
  const times = new Map<string, number[]>();
  const add = (name: string, us: number) => {
    const each = times.get(name);
    if (each) each.push(us);
    else times.set(name, [us]);
  };
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const strange = makeProxy();
    for (const length of lengths) {
      const texts = Array.from({ length: chats }, (_, chat) => makeTexts(`${round} ${chat}`, length));
      for (const [before] of texts) link(askOf(before), envelope);
      // Just parsed, as in a proxy.
      const calls = texts.map(([, call]) => askOf(call));
      const known = timeOf(link, calls);
      const unknown = timeOf(strange, calls);
      if (round < warmUps) continue;
      add(`link_known_${length}_us`, known);
      add(`link_unknown_${length}_us`, unknown);
    }
  }
  return Object.fromEntries(Array.from(times, ([name, each]) => [name, Math.round(median(each) * 10) / 10]));
}

const makeProxy = () => makeLink({ organizationId: '', lookUp() {}, onLinked() {} });

function timeOf(link: Link, calls: readonly Asked[]): number {
  const startedAt = performance.now();
  for (const call of calls) link(call, envelope);
  return ((performance.now() - startedAt) * 1e3) / calls.length;
}

/** The body of a call with so many messages, after that of the call before. The last message is the caller's. */
function makeTexts(name: string, length: number): readonly [before: string, call: string] {
  const messages = Array.from({ length }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `${name} ${index}: ${filler}`,
  }));
  return [JSON.stringify({ messages: messages.slice(0, -2) }), JSON.stringify({ messages })];
}

function askOf(text: string): Asked {
  const raw = Buffer.from(text);
  return { operation: 'chat', body: JSON.parse(text), raw, userId: 'bench@example.com', session: undefined };
}
