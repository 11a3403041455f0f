import { asArray, asObject, asString, type Body } from '../../providers/json.ts';

/** What was said in one call: the user's words and the model's, without instructions, tools and files. */
export interface Conversation {
  readonly userInput: string;
  readonly aiResponse: string;
}

/**
 * Reads a conversation from what is stored of a call: a response, a chat completion, a message or a completion. An answer that was
 * streamed is stored as a whole one.
 *
 * @param answer null where the call has none
 */
export function readConversation(request: Body, answer: Body | null): Conversation {
  return { userInput: readInput(request), aiResponse: answer === null ? '' : readOutput(answer) };
}

function readInput({ input, messages, prompt }: Body): string {
  if (messages !== undefined) return join(asArray(messages).filter(isOfUser).map(textOf));
  const items = input ?? prompt;
  if (typeof items === 'string') return items;
  // Of completions, prompts; of responses, items, among which a bare message needs no type.
  return join(asArray(items).map((item) => (isOfUser(item) ? textOf(item) : (asString(item) ?? ''))));
}

function readOutput(answer: Body): string {
  if (answer.choices === undefined && answer.content !== undefined) return textOf(answer);
  if (answer.choices === undefined) return join(asArray(answer.output).map(textOf));
  const choice = asObject(asArray(answer.choices)[0]);
  return asString(choice?.text) ?? textOf(choice?.message);
}

function isOfUser(message: unknown): boolean {
  return asObject(message)?.role === 'user';
}

/** The text of a message, whose content is text or a list of parts; a refusal is what was said, too. */
function textOf(value: unknown): string {
  const message = asObject(value);
  const content = asString(message?.content) ?? join(asArray(message?.content).map(textOfPart));
  return content === '' ? (asString(message?.refusal) ?? '') : content;
}

const textParts = new Set(['text', 'input_text', 'output_text', 'refusal']);

function textOfPart(value: unknown): string {
  const part = asObject(value);
  if (!part || !textParts.has(String(part.type))) return '';
  return asString(part.text) ?? asString(part.refusal) ?? '';
}

function join(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n\n');
}
