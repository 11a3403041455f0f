// node workload.mjs COUNT BODY [OPTIONS]: makes COUNT calls with the OpenAI SDK, one after another, and prints a line of
// JSON for each: { session, id, text } or { session, status, code, message }. $SESSION in BODY becomes the call's session.
// On SIGUSR2 it makes no more.
import OpenAI from 'openai';

const [count, body, options = '{}'] = process.argv.slice(2);
const { pauseMs = 0, prefix = 'call', ...client } = JSON.parse(options);
const openai = new OpenAI(client);
let isEnough = false;
process.once('SIGUSR2', () => {
  isEnough = true;
});
for (let number = 1; number <= Number(count) && !isEnough; number += 1) {
  const session = `${prefix}-${number}`;
  try {
    const request = JSON.parse(body.replaceAll('$SESSION', session));
    const response = await openai.responses.create(request, { headers: { 'X-Session-ID': session } });
    print({ session, id: response.id, text: response.output_text });
  } catch ({ status, code, message }) {
    print({ session, status, code, message });
  }
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
