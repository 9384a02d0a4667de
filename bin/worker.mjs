// Starts a worker thread with one of the parts that load.mjs knows.
import { workerData } from 'node:worker_threads';
import { load } from './load.mjs';

await load(workerData.part);
