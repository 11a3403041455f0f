import { Type } from 'typebox';
import { embedTexts } from '../../../governance/insights/models/embed.ts';
import { answer, Enveloped } from '../answer.ts';
import { asking } from '../asking.ts';
import { route } from '../route.ts';
import { answeringModel, modelField, showUsage, strict, tags, text, UsedTokens } from './fields.ts';

/** More would make an answer of many megabytes. */
const mostTexts = 256;

/** `POST /api/v1/ai/embed` */
export const embedRoute = route(
  'POST',
  '/ai/embed',
  {
    tags,
    summary: 'Have a model make vectors of texts',
    description: 'In one call of yours under all rules of the organization. The vectors are in the order of the texts.',
    body: Type.Object(
      {
        texts: Type.Array(text, { minItems: 1, maxItems: mostTexts }),
        model: modelField('One that makes vectors.'),
        dimensions: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 16_384,
            description:
              'How many numbers a vector is to have, where the model can do that. Absent: as many as it has.',
          }),
        ),
      },
      {
        ...strict,
        example: {
          texts: ['What are the benefits of your premium credit card?', 'Can I increase my credit limit?'],
          model: 'text-embedding-3-large',
          dimensions: 1_536,
        },
      },
    ),
    problems: asking,
    response: {
      200: Enveloped(
        Type.Object({
          embeddings: Type.Array(Type.Array(Type.Number())),
          model: answeringModel,
          dimensions: Type.Integer({ description: 'How many numbers each vector has.' }),
          usage: UsedTokens,
        }),
      ),
    },
  },
  async ({ callContext, body }, context) => {
    const { vectors, model, dimensions, usage } = await embedTexts(context, callContext, body);
    return answer({ embeddings: vectors as number[][], model, dimensions, usage: showUsage(usage) });
  },
);
