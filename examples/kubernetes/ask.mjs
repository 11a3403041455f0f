// An application like any other: nothing in it knows of Chaperone.
// node ask.mjs QUESTION...: asks each question, in turn, and prints a line of JSON for every answer.
import OpenAI from 'openai';

const openai = new OpenAI();
for (const input of process.argv.slice(2)) {
  try {
    const response = await openai.responses.create({ model: 'gpt-4o', input });
    print({ id: response.id, answer: response.output_text });
  } catch (error) {
    process.exitCode = 1;
    print({ status: error.status, code: error.code, error: error.message });
  }
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
