import { asCount, asObject, asString, type Body } from '../json.ts';
import type { WireFormat } from '../wire-format.ts';
import { type Assembly, makeCompletionReader, readCompletion } from './choices.ts';
import { JoinedText } from './joined-text.ts';
import { plainFormat } from './plain-format.ts';

/** `POST /v1/completions`, the predecessor of chat: a prompt is continued, and nothing in it is an instruction. */
export const completions: WireFormat = {
  ...plainFormat,
  path: '/completions',
  needsUsageOption: (body) => asObject(body.stream_options)?.include_usage !== true,
  read: readCompletion,
  readStream: (options) => makeCompletionReader(options, countChoices(options.body), makeAssembly()),
};

/** Each of several prompts has its own choices. A list of numbers is a single prompt in tokens. */
function countChoices({ n, prompt }: Body): number {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt.length : 1;
  return (asCount(n) ?? 1) * Math.max(1, prompts);
}

function makeAssembly(): Assembly {
  const texts: { readonly text: JoinedText; finishReason: string | null }[] = [];
  return {
    add(choices) {
      for (const value of choices) {
        const choice = asObject(value);
        const index = asCount(choice?.index) ?? 0;
        if (index > 1_000) continue;
        texts[index] ??= { text: new JoinedText(), finishReason: null };
        texts[index].text.add(asString(choice?.text) ?? '');
        texts[index].finishReason = asString(choice?.finish_reason) ?? texts[index].finishReason;
      }
    },
    textIn: ({ text }) => asString(text) ?? undefined,
    addText({ choiceIndex, text }) {
      texts[choiceIndex]?.text.add(text);
    },
    toJson({ responseId, model }) {
      const choices = texts.map(({ text, finishReason }, index) => ({
        index,
        text: text.toString(),
        finish_reason: finishReason,
      }));
      return JSON.stringify({ id: responseId, object: 'text_completion', model, choices } satisfies Body);
    },
  };
}
