import { setTimeout as sleep } from 'node:timers/promises';
import type { Backoff } from '../ports';

const FIRST_MS = 10;
const LONGEST_MS = 500;

/** Exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"). */
export const jitteredBackoff: Backoff = async (losses) => {
  await sleep(Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** losses));
};
