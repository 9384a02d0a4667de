/**
 * References from a worker thread. In: specs, launches and inputs. Out: promises of the interpreter's result. One thread
 * works through them in order; `close` ends it.
 */
import { Worker } from 'node:worker_threads';
import { CompilerBug } from '../../dsl/diagnostic.ts';
import type { Reference, ReferenceReply, ReferenceRequest } from './reference-worker.ts';

export interface References {
  readonly of: (request: Omit<ReferenceRequest, 'id'>) => Promise<Reference>;
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (value: Reference) => void;
  readonly reject: (error: Error) => void;
}

export function openReferences(): References {
  const worker = new Worker(new URL('../../bin/worker.mjs', import.meta.url), { workerData: { part: 'reference-worker' } });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  worker.on('message', (reply: ReferenceReply) => {
    const entry = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('value' in reply) entry?.resolve(reply.value);
    else entry?.reject(new CompilerBug('interpreter', reply.error));
  });
  worker.on('error', (error) => {
    for (const entry of waiting.values()) entry.reject(error);
    waiting.clear();
  });
  return {
    of: (request) =>
      new Promise((resolve, reject) => {
        const id = next;
        next += 1;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ ...request, id });
      }),
    close: async () => void (await worker.terminate()),
  };
}
