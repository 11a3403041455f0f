import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import { chat } from '../../../operations/chat.ts';
import { asString, type Body } from '../../../providers/json.ts';
import type { GovernanceContext } from '../../context.ts';
import { makeSender } from '../../sender.ts';
import { admitQuestion } from './admit-question.ts';
import { askForClasses, readClasses } from './ask-classes.ts';
import { defaultTextModel } from './providers.ts';

type Context = Pick<GovernanceContext, 'pipeline' | 'inForce' | 'modelRules' | 'providers' | 'origin'>;

export interface ClassificationRequest {
  readonly text: string;
  /** Two or more, each once. */
  readonly categories: readonly string[];
  /** A model or an alias. Undefined: the organization's default. */
  readonly model?: string | undefined;
}

export interface Classification {
  /** The most likely category first. The shares sum to one. */
  readonly shares: readonly (readonly [category: string, share: number])[];
  /** As the provider names it. */
  readonly model: string;
}

/**
 * Has a model say which category a text belongs to, in a call of the caller's. Where the model answers something else than
 * was asked for, it is asked once more.
 *
 * @throws {ProxyError} as a call, and `upstream_…` where the second answer is no better
 */
export async function classifyText(
  context: Context,
  call: CallContext,
  { text, categories, model: named }: ClassificationRequest,
): Promise<Classification> {
  const asked = named ?? (await defaultTextModel(context, call.caller));
  const { body, said } = askForClasses(asked, text, categories);
  const { key, terms, model = asked } = await admitQuestion(context, call, chat, body);
  const asker = { kind: 'analysis', context: call, key, terms, said } as const;
  const send = makeSender(context.pipeline.ask, asker, { ...body, model });
  const attempt = async () => {
    const { completion } = await send();
    return { completion, read: readClasses(completion, categories.length) };
  };
  let { completion, read } = await attempt();
  if ('problem' in read) ({ completion, read } = await attempt());
  if ('problem' in read) throw new ProxyError(read.problem);
  return { shares: rank(categories, read.shares), model: modelOf(completion, model) };
}

/** Of equal shares, in the order of the categories. */
function rank(categories: readonly string[], shares: readonly number[]) {
  const named = categories.map((category, at) => [category, shares[at] ?? 0] as const);
  return named.sort(([, one], [, other]) => other - one);
}

function modelOf(completion: Body, asked: string): string {
  return asString(completion.model) ?? asked;
}
