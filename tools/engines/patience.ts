/**
 * Waiting for a device without a busy core. In: work under way on a device. Out: the same, once it is done. Dawn's binding asks its queue in
 * every turn of the event loop until all work is done; software drivers compute on the same cores and would share one with that loop. So
 * turns are spaced out: work of a few milliseconds is waited for as before, longer work is asked about once a millisecond.
 */
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds between turns. */
const pause = 1;

/** Waits for work of a device; nothing else of the process needs the event loop meanwhile. For the first `brisk` milliseconds it turns freely. */
export function patiently<T>(work: Promise<T>, brisk = 4): Promise<T> {
  const start = performance.now();
  let done = false;
  const stop = (): void => {
    done = true;
  };
  work.then(stop, stop);
  const turn = (): void => {
    if (done) return;
    if (performance.now() - start >= brisk) Atomics.wait(cell, 0, 0, pause);
    setImmediate(turn);
  };
  setImmediate(turn);
  return work;
}
