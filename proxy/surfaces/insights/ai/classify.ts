import { Type } from 'typebox';
import { classifyText } from '../../../governance/insights/models/classify.ts';
import { notBlank } from '../../../http/not-blank.ts';
import { answer, Enveloped } from '../answer.ts';
import { asking } from '../asking.ts';
import { route } from '../route.ts';
import { answeringModel, defaultModel, strict, tags, text } from './fields.ts';

/** `POST /api/v1/ai/classify` */
export const classifyRoute = route(
  'POST',
  '/ai/classify',
  {
    tags,
    summary: 'Have a model say which category a text belongs to',
    description:
      'In a call of yours under all rules of the organization. The model answers by a strict schema, and the shares of the categories sum to one.',
    body: Type.Object(
      {
        text,
        categories: Type.Array(Type.String({ pattern: notBlank, maxLength: 200 }), {
          minItems: 2,
          maxItems: 100,
          uniqueItems: true,
        }),
        model: Type.Optional(defaultModel),
      },
      {
        ...strict,
        example: {
          text: "I'm having trouble accessing my account online after multiple attempts.",
          categories: ['account_access', 'transaction_issue', 'balance_inquiry', 'fee_dispute', 'technical_support'],
        },
      },
    ),
    problems: asking,
    response: {
      200: Enveloped(
        Type.Object({
          classifications: Type.Record(Type.String(), Type.Number(), {
            description: 'The share of each category, the largest first.',
          }),
          top_category: Type.String(),
          model: answeringModel,
        }),
      ),
    },
  },
  async ({ callContext, body }, context) => {
    const { shares, model } = await classifyText(context, callContext, body);
    const [[top = ''] = []] = shares;
    return answer({ classifications: Object.fromEntries(shares), top_category: top, model });
  },
);
