import { Type } from 'typebox';
import { builtInSentiment } from '../../../governance/insights/explain/built-in-sentiment.ts';
import { type Explanation, explainText } from '../../../governance/insights/explain/explain.ts';
import { type PictureAddress, sealPicture } from '../../../governance/insights/explain/picture.ts';
import { makeFindTextModel } from '../../../governance/insights/training/predict.ts';
import { notBlank } from '../../../http/not-blank.ts';
import { Timestamp } from '../../../http/schemas.ts';
import { answer, Enveloped } from '../answer.ts';
import { asking } from '../asking.ts';
import { language } from '../language.ts';
import { ownAddress } from '../own-address.ts';
import { route } from '../route.ts';
import { strict, tags } from './fields.ts';

/** Beyond that, an explanation says little. */
const mostCharacters = 2_000;

const Explained = Type.Object({
  prediction: Type.Object({
    sentiment: Type.String({ description: 'The class, of whatever the model classifies.' }),
    confidence: Type.Number({ description: 'From 0 to 1.' }),
  }),
  explanation: Type.Object({
    method: Type.Literal('shap'),
    explains: Type.String({ description: 'Which number of the model: `compound`, or the score of the class.' }),
    base_value: Type.Number({ description: 'The number without any of the words.' }),
    output_value: Type.Number({ description: 'The number of the text: `base_value` and all importances together.' }),
    feature_importance: Type.Array(
      Type.Object({
        feature: Type.String({ description: 'A word, or a run of words in a long text.' }),
        importance: Type.Number({ description: 'What it adds to the number.' }),
        error: Type.Number({ description: 'The half width of the 95 % confidence interval; 0: it is exact.' }),
        position: Type.Integer({ description: 'Its place in the text, from 0.' }),
      }),
      { description: 'Those that matter most come first.' },
    ),
    exact: Type.Boolean({ description: 'Up to 12 features. Otherwise importances are estimates.' }),
    evaluations: Type.Integer({ description: 'How many texts the model was asked about.' }),
    visualization_url: Type.String({ description: 'A picture (SVG), for whoever has the address, until it expires.' }),
    visualization_expires_at: Timestamp,
  }),
});

/** `POST /api/v1/ai/explain` */
export const explainRoute = route(
  'POST',
  '/ai/explain',
  {
    tags,
    summary: 'Explain what a model says of a text',
    description:
      'By Shapley values: what each word adds, compared with the text without it. Exact up to 12 words; beyond, by Kernel SHAP with an error.',
    body: Type.Object(
      {
        model_name: Type.String({
          pattern: notBlank,
          maxLength: 200,
          description: `A deployed model, or \`${builtInSentiment}\`, which asks no provider.`,
        }),
        data: Type.Object(
          { text: Type.String({ pattern: notBlank, maxLength: mostCharacters }), language: Type.Optional(language) },
          strict,
        ),
        explanation_method: Type.Optional(Type.Enum(['shap'])),
      },
      {
        ...strict,
        example: {
          model_name: builtInSentiment,
          data: { text: 'I am very satisfied with the quick approval process for my loan application.' },
          explanation_method: 'shap',
        },
      },
    ),
    problems: [...asking, 'model_not_found', 'language_unsupported'],
    response: { 200: Enveloped(Explained) },
  },
  async (request, context) => {
    const { model_name: name, data } = request.body;
    const explanation = await explainText(
      { findTextModel: makeFindTextModel(context) },
      request.callContext,
      name,
      data,
    );
    return answer(show(explanation, sealPicture(context, explanation), ownAddress(request.raw)));
  },
);

function show(
  { prediction, explains, base, output, features, isExact, evaluations }: Explanation,
  picture: PictureAddress,
  origin: string,
) {
  return {
    prediction: { sentiment: prediction.label, confidence: round(prediction.confidence) },
    explanation: {
      method: 'shap' as const,
      ...{ explains, base_value: round(base), output_value: round(output) },
      feature_importance: features.map(({ feature, importance, error, position }) => ({
        ...{ feature, importance: round(importance), error: round(error), position },
      })),
      ...{ exact: isExact, evaluations },
      visualization_url: `${origin}/api/v1/ai/visualizations/${picture.id}?content=${picture.sealed}`,
      visualization_expires_at: new Date(picture.expiresAtMs).toISOString(),
    },
  };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
