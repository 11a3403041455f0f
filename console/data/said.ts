// Reads what was asked and answered out of bodies of several APIs, as texts. Whatever is not known stays as it is.

export interface Words {
  readonly role: string;
  readonly text: string;
}

/** @returns undefined where the body is none of a conversation */
export function readAsked(body: string): readonly Words[] | undefined {
  const request = parse(body);
  if (!request) return undefined;
  const instructions = [request.system, request.instructions].map(textOf).filter((text) => text !== '');
  const first = instructions.map((text) => ({ role: 'system', text }));
  const said = readMessages(request.messages ?? request.input ?? request.prompt);
  return said.length > 0 || first.length > 0 ? [...first, ...said] : undefined;
}

/** @returns undefined where the body is no answer in words */
export function readAnswered(body: string): readonly Words[] | undefined {
  const answer = parse(body);
  if (!answer) return undefined;
  const choices = listOf(answer.choices).map((choice) => objectOf(choice));
  const words = [
    ...choices.map(({ message, text }) => ({
      role: 'assistant',
      text: [textOf(objectOf(message).content ?? text), callsOf(objectOf(message).tool_calls)]
        .filter(Boolean)
        .join('\n'),
    })),
    ...readMessages(answer.output ?? answer.content),
  ].filter(({ text }) => text !== '');
  return words.length > 0 ? words : undefined;
}

function readMessages(value: unknown): Words[] {
  if (typeof value === 'string') return [{ role: 'user', text: value }];
  const items = listOf(value);
  // Contents of an answer of Anthropic's, which are no messages.
  if (items.length > 0 && items.every((item) => objectOf(item).role === undefined && textOf(item) !== ''))
    return [{ role: 'assistant', text: textOf(items) }];
  return items.map(objectOf).flatMap((item) => {
    const role = typeof item.role === 'string' ? item.role : String(item.type ?? 'user');
    const text = [textOf(item.content ?? item.output ?? item.summary), callsOf(item.tool_calls), callOf(item)]
      .filter(Boolean)
      .join('\n');
    return text === '' ? [] : [{ role, text }];
  });
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value
      .map(textOf)
      .filter((text) => text !== '')
      .join('\n');
  const part = objectOf(value);
  if (typeof part.text === 'string') return part.text;
  if (typeof part.refusal === 'string') return part.refusal;
  if (typeof part.type === 'string' && /image|audio|file/.test(part.type)) return `[${part.type}]`;
  return part.content === undefined ? '' : textOf(part.content);
}

const callsOf = (value: unknown) =>
  listOf(value)
    .map((call) => callOf(objectOf(objectOf(call).function)))
    .join('\n');

function callOf({ name, arguments: given }: Readonly<Record<string, unknown>>): string {
  return typeof name === 'string' && typeof given === 'string' ? `${name}(${given})` : '';
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? objectOf(value) : undefined;
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
