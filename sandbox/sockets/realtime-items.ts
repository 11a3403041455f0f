import { itemId } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Turn } from '../turns.ts';

/** An item of the conversation. */
export interface Item {
  readonly object: JsonObject;
  readonly turn: Turn;
  readonly textBytes: number;
  readonly audioBytes: number;
}

/** Reads an item that a client states. */
export function readItem(stated: JsonObject): Item {
  const { type = 'message', role = 'user', id = itemId('item').slice(0, 29) } = stated;
  const object: JsonObject = { ...stated, id, type, object: 'realtime.item', status: 'completed' };
  if (type !== 'message') {
    const text = String(stated.output ?? stated.arguments ?? '');
    return { object, turn: { speaker: 'tool', text, bytes: 0 }, textBytes: Buffer.byteLength(text), audioBytes: 0 };
  }
  const texts: string[] = [];
  let audioBytes = 0;
  for (const part of Array.isArray(stated.content) ? stated.content.filter(isJsonObject) : []) {
    if (typeof part.text === 'string') texts.push(part.text);
    if (typeof part.audio === 'string') audioBytes += Buffer.byteLength(part.audio, 'base64');
  }
  const text = texts.join(' ');
  const speaker = role === 'system' ? 'operator' : role === 'assistant' ? 'assistant' : 'user';
  return { object, turn: { speaker, text, bytes: 0 }, textBytes: Buffer.byteLength(text), audioBytes };
}

/** The content of an item that the model says. */
export function partOf(speaks: boolean, said: string): JsonObject {
  return speaks ? { type: 'output_audio', transcript: said } : { type: 'output_text', text: said };
}
