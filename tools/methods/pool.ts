/**
 * Measuring on several threads. In: requests. Out: their answers in the same order. A thread takes the next request when it has answered one;
 * with one thread the work is done here, without a worker.
 */
import { Worker } from 'node:worker_threads';
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { HeadFigures } from './measure.ts';
import { measureAll } from './methods-worker.ts';
import type { MeasureReply, MeasureRequest } from './methods-worker.ts';

type Answer = readonly (readonly HeadFigures[])[];

/** `done` hears how many requests have been answered. */
export async function measureRequests(requests: readonly MeasureRequest[], threads: number, done: (count: number) => void): Promise<readonly Answer[]> {
  if (threads <= 1) {
    return requests.map((request, i) => {
      const answer = measureAll(request);
      done(i + 1);
      return answer;
    });
  }
  const answers: (Answer | undefined)[] = requests.map(() => undefined);
  let next = 0;
  let answered = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('../../bin/worker.mjs', import.meta.url), { workerData: { part: 'methods-worker' } });
    try {
      while (next < requests.length) {
        const id = next;
        next += 1;
        answers[id] = await ask(worker, id, requests[id]);
        answered += 1;
        done(answered);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, requests.length) }, work));
  return answers.map((answer) => answer ?? []);
}

function ask(worker: Worker, id: number, request: MeasureRequest | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const hear = (reply: MeasureReply): void => {
      worker.off('error', reject);
      if ('value' in reply) resolve(reply.value);
      else reject(new CompilerBug('interpreter', reply.error));
    };
    worker.once('message', hear);
    worker.once('error', reject);
    worker.postMessage({ ...request, id });
  });
}
