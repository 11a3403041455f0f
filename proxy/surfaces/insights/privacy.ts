import { Type } from 'typebox';
import { anonymize, forgetMapping, restoreText } from '../../governance/insights/privacy/anonymize.ts';
import { personalKinds } from '../../governance/insights/privacy/kinds.ts';
import { answer, Enveloped } from './answer.ts';
import { route } from './route.ts';

const tags = ['Privacy'];
const strict = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 200_000 });
const mappingId = Type.String({ minLength: 1, maxLength: 64, description: 'It begins with `map-`.' });
const kind = Type.Enum([...personalKinds]);

/** `/api/v1/privacy` */
export const privacyRoutes = [
  route(
    'POST',
    '/privacy/anonymize',
    {
      tags,
      summary: 'Replace personal data by placeholders',
      description:
        'By the detectors of guardrails. A value has the same placeholder wherever it occurs. With `keep_mapping`, the mapping is kept, sealed, and shown masked: names as they are, numbers with their last four digits.',
      body: Type.Object(
        {
          text,
          keep_mapping: Type.Optional(Type.Boolean()),
          mapping_id: Type.Optional(
            Type.String({
              ...mappingId,
              description: 'A mapping to go on with: its values get the same placeholders.',
            }),
          ),
          kinds: Type.Optional(Type.Array(kind, { minItems: 1, maxItems: personalKinds.length, uniqueItems: true })),
          phone_regions: Type.Optional(
            Type.Array(Type.String({ pattern: '^[A-Z]{2}$' }), {
              minItems: 1,
              maxItems: 250,
              description: 'Whose national telephone numbers are recognized, such as `US`.',
            }),
          ),
        },
        {
          ...strict,
          example: { text: 'Hi, my name is John Smith and my phone number is 202-555-0143.', keep_mapping: true },
        },
      ),
      problems: ['surface_not_allowed', 'mapping_not_found', 'store_unavailable'],
      response: {
        200: Enveloped(
          Type.Object({
            anonymized_text: Type.String(),
            mapping: Type.Record(Type.String(), Type.String(), {
              description: 'By placeholder. Empty: not asked for.',
            }),
            mapping_id: Type.Optional(mappingId),
            pii_detected: Type.Array(kind, { description: 'In the order of their first occurrence.' }),
          }),
        ),
      },
    },
    async ({ caller, body }, context) => {
      const { text, keep_mapping: keepMapping = false, kinds, phone_regions: phoneRegions } = body;
      const asked = { text, keepMapping, mappingId: body.mapping_id, kinds, phoneRegions };
      const made = await anonymize(context, caller, asked);
      return answer({
        anonymized_text: made.text,
        mapping: Object.fromEntries(made.mapping.map(({ placeholder, value }) => [placeholder, value])),
        ...(made.mappingId !== undefined && { mapping_id: made.mappingId }),
        pii_detected: [...made.kinds],
      });
    },
  ),
  route(
    'POST',
    '/privacy/restore',
    {
      tags,
      summary: 'Put the values of a kept mapping back',
      description: 'For whoever made the mapping, and for admins. The audit log has each time.',
      body: Type.Object(
        { mapping_id: mappingId, text },
        { ...strict, example: { mapping_id: 'map-0f…', text: 'Dear [NAME_1],' } },
      ),
      problems: ['surface_not_allowed', 'mapping_not_found', 'store_unavailable'],
      response: {
        200: Enveloped(
          Type.Object({
            text: Type.String(),
            restored: Type.Integer({ description: 'How many placeholders were replaced.' }),
          }),
        ),
      },
    },
    async ({ caller, body }, context) => answer(await restoreText(context, caller, body.mapping_id, body.text)),
  ),
  route(
    'DELETE',
    '/privacy/mappings/:mapping_id',
    {
      tags,
      summary: 'Forget a kept mapping',
      params: Type.Object({ mapping_id: mappingId }),
      problems: ['surface_not_allowed', 'mapping_not_found', 'store_unavailable'],
      response: { 200: Enveloped(Type.Object({ mapping_id: mappingId, deleted: Type.Literal(true) })) },
    },
    async ({ caller, params }, context) => {
      await forgetMapping(context, caller, params.mapping_id);
      return answer({ mapping_id: params.mapping_id, deleted: true as const });
    },
  ),
];
