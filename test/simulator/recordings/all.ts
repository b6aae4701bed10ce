import type { Recording } from '../recording.ts';
import { keepAliveRace } from './keep-alive-race.ts';
import * as plain from './plain-causes.ts';

export const recordings: Recording[] = [keepAliveRace, ...Object.values(plain)].sort((a, b) =>
  a.name < b.name ? -1 : 1,
);
