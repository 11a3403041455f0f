import { type Gradient, sumOf } from '../model/gradient.ts';
import type { Frames } from './frames.ts';
import { decodeGradient, encodeGradient } from './gradient-bytes.ts';

/** How a model does on examples that it has not seen. Sums, so that pods can add theirs. */
export interface Score {
  readonly examples: number;
  readonly correct: number;
  readonly loss: number;
}

/** Adds up what every pod has: each gives its own part, and gets the sum. @throws {ConnectionLost} */
export interface Exchange {
  sumGradients(own: Gradient, labels: number): Promise<Gradient>;
  sumScores(own: Score): Promise<Score>;
}

/** The first pod's: it adds up, in the order of ranks, and tells the others. */
export function makeLeaderExchange(members: readonly Frames[]): Exchange {
  const tell = (kind: 'sum' | 'total', bytes: Buffer) => Promise.all(members.map((member) => member.send(kind, bytes)));
  return {
    async sumGradients(own, labels) {
      const others = await Promise.all(members.map((member) => member.expect('gradient')));
      const sum = sumOf([own, ...others.map(decodeGradient)], labels);
      await tell('sum', encodeGradient(sum));
      return sum;
    },
    async sumScores(own) {
      const others = await Promise.all(members.map((member) => member.expect('score')));
      const scores = [own, ...others.map((bytes) => JSON.parse(bytes.toString()) as Score)];
      const total = scores.reduce((sum, score) => ({
        examples: sum.examples + score.examples,
        correct: sum.correct + score.correct,
        loss: sum.loss + score.loss,
      }));
      await tell('total', Buffer.from(JSON.stringify(total)));
      return total;
    },
  };
}

/** Any other pod's. */
export function makeMemberExchange(leader: Frames): Exchange {
  return {
    async sumGradients(own) {
      await leader.send('gradient', encodeGradient(own));
      return decodeGradient(await leader.expect('sum'));
    },
    async sumScores(own) {
      await leader.send('score', Buffer.from(JSON.stringify(own)));
      return JSON.parse((await leader.expect('total')).toString()) as Score;
    },
  };
}
