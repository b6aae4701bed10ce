import type { Recording } from '../recording.ts';
import { bogusHostsAtTheEdge } from './behind-cloudfront.ts';
import * as harder from './harder-causes.ts';
import { keepAliveRace } from './keep-alive-race.ts';
import * as plain from './plain-causes.ts';
import * as whose from './whose-target.ts';

export const recordings: Recording[] = [
  bogusHostsAtTheEdge,
  keepAliveRace,
  ...Object.values(plain),
  ...Object.values(harder),
  ...Object.values(whose),
].sort((a, b) => (a.name < b.name ? -1 : 1));
