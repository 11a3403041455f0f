import { asCount, asObject, asString, type Body, parseObject } from '../json.ts';
import { JoinedText } from '../openai/joined-text.ts';

/** More blocks than any message has. */
const maxBlocks = 10_000;

interface Block {
  /** As the stream announced it. */
  readonly begun: Body;
  /** The text, the thought, or the JSON of a tool's input. */
  readonly text: JoinedText;
  signature: string;
}

/** Puts a message together from the events of its stream, for the contents store. */
export class MessageAssembly {
  readonly #blocks: Block[] = [];

  /** Takes a `content_block_start` or a `content_block_delta`. */
  add(event: Body): void {
    const index = asCount(event.index) ?? 0;
    if (index >= maxBlocks) return;
    const begun = asObject(event.content_block);
    if (begun) {
      const block = { begun, text: new JoinedText(), signature: '' };
      block.text.add(asString(begun.text) ?? asString(begun.thinking) ?? '');
      this.#blocks[index] = block;
      return;
    }
    const block = this.#blocks[index];
    const delta = asObject(event.delta);
    if (!block || !delta) return;
    block.text.add(asString(delta.text) ?? asString(delta.thinking) ?? asString(delta.partial_json) ?? '');
    block.signature += asString(delta.signature) ?? '';
  }

  addText(index: number, text: string): void {
    this.#blocks[index]?.text.add(text);
  }

  /** The blocks so far, with the inputs of tools as objects. */
  content(): Body[] {
    return this.#blocks.filter((block) => block !== undefined).map(toJson);
  }
}

function toJson({ begun, text, signature }: Block): Body {
  switch (begun.type) {
    case 'text':
      return { ...begun, text: text.toString() };
    case 'thinking':
      return { ...begun, thinking: text.toString(), signature };
    default: {
      const json = text.toString();
      return json === '' ? begun : { ...begun, input: parseObject(json) ?? json };
    }
  }
}
