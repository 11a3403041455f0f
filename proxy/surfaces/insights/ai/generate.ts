import { Type } from 'typebox';
import type { GovernanceContext } from '../../../governance/context.ts';
import { type GeneratedText, generateText } from '../../../governance/insights/models/generate.ts';
import { setEventHeaders, streamEvents } from '../../../http/event-stream.ts';
import type { Route } from '../../../http/route.ts';
import { answer, Enveloped } from '../answer.ts';
import { asking } from '../asking.ts';
import { insightsEnvelope } from '../envelope.ts';
import { answeringModel, defaultModel, showUsage, strict, tags, text, UsedTokens } from './fields.ts';

/** When events begin where no text has come. */
const silentMs = 15_000;

const Request = Type.Object(
  {
    prompt: text,
    model: Type.Optional(defaultModel),
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    system_prompt: Type.Optional(text),
    context: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        maxProperties: 50,
        description: 'Facts for the model, which gets them as JSON before the prompt.',
      }),
    ),
    stream: Type.Optional(Type.Boolean({ description: 'Answer by server-sent events.' })),
  },
  {
    ...strict,
    example: {
      prompt: 'Write a response to a customer who is asking about our premium credit card benefits.',
      max_tokens: 500,
      temperature: 0.7,
      system_prompt: 'You are a helpful financial assistant with expertise in credit card benefits.',
      context: { customer_segment: 'premium', risk_profile: 'low' },
    },
  },
);

const Generated = Type.Object({
  generated_text: Type.String(),
  usage: UsedTokens,
  model: answeringModel,
  finish_reason: Type.Enum(['stop', 'length'], { description: '`length`: the limit of tokens has cut the text.' }),
  compliance_check: Type.Object({
    passed: Type.Boolean({ description: 'Whether no guardrail found anything. One that blocks refuses the request.' }),
    flags: Type.Array(Type.String(), { description: 'The guardrails that found something, by their names.' }),
  }),
});

/** `POST /api/v1/ai/generate`. The answer is a whole, or events. */
export const generateRoute: Route<GovernanceContext> = (app, context) => {
  app.route({
    method: 'POST',
    url: '/ai/generate',
    schema: {
      tags,
      summary: 'Have a model write a text',
      description:
        'In a call of yours under all rules of the organization. With `stream`, there are the events `delta` (more of the text), and `done` (the whole answer) or `error`. Where guardrails are about answers, the text comes as a whole.',
      body: Request,
      problems: asking,
      answers: { 200: { content: { 'text/event-stream': {} } } },
      response: { 200: Enveloped(Generated) },
    },
    async handler({ callContext, body }, reply) {
      const { prompt, model, temperature, max_tokens: maxTokens, system_prompt: systemPrompt, context: facts } = body;
      const asked = { prompt, model, temperature, maxTokens, systemPrompt, facts };
      if (!body.stream) return answer(showText(await generateText(context, callContext, asked)));
      const stream = await streamEvents(
        async ({ send, begin }) => {
          let told = 0;
          const tell = (soFar: string) => {
            if (soFar.length <= told) return;
            send('delta', { text: soFar.slice(told) });
            told = soFar.length;
            begin();
          };
          const generated = await generateText(context, callContext, asked, tell);
          tell(generated.text);
          return answer(showText(generated));
        },
        (problem) => insightsEnvelope.show(problem, callContext.requestId),
        silentMs,
      );
      setEventHeaders(reply);
      // The schema is that of the whole answer.
      return reply.send(stream as never);
    },
  });
};

function showText({ text: generated, usage, model, isTruncated, guardrailHits }: GeneratedText) {
  return {
    generated_text: generated,
    usage: showUsage(usage),
    model,
    finish_reason: isTruncated ? ('length' as const) : ('stop' as const),
    compliance_check: { passed: guardrailHits.length === 0, flags: [...guardrailHits] },
  };
}
