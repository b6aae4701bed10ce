/** A Poster that records the contents of each channel and all calls to Slack. Tests inject faults. */

import type { Poster, PostResult, PostTarget, Refusal } from '../../../src/slack/delivery/slack-poster.ts';
import type { FileMessage, Message } from '../../../src/slack/messages/message.ts';

export interface PostedMessage {
  ts: string;
  target: PostTarget;
  message: Message | FileMessage;
  runId: string | null;
  edits: number;
}

/** `lost`: it is posted, and the answer does not come back. */
type Fault = Refusal['refused'] | 'lost';

export interface FakePoster extends Poster {
  messages: PostedMessage[];
  progressed: number;
  /** The next posts (of these kinds: a run id or a part of it) go wrong so, in this order. */
  faults: Fault[];
  /** Until it is changed, nothing can be reached. */
  isDown: boolean;
  mayLook: boolean;
  /** The number of the last message, where others stand already. */
  lastTs: number;
}

export function fakePoster(): FakePoster {
  const refusal = (refused: Refusal['refused']): Refusal => ({ refused, code: refused });
  const put = (target: PostTarget, message: Message | FileMessage, runId: string | null): PostResult => {
    paper.lastTs += 1;
    const ts = `1763700000.${String(paper.lastTs).padStart(6, '0')}`;
    paper.messages.push({ ts, target, message, runId, edits: 0 });
    return { ts };
  };
  const attempt = (post: () => PostResult): PostResult => {
    if (paper.isDown) return refusal('unreachable');
    const fault = paper.faults.shift();
    if (fault === undefined) return post();
    if (fault !== 'lost') return refusal(fault);
    post();
    return refusal('unreachable');
  };
  const paper: FakePoster = {
    messages: [],
    progressed: 0,
    faults: [],
    isDown: false,
    mayLook: true,
    lastTs: 0,
    post: async (target, message, runId) => attempt(() => put(target, message, runId ?? null)),
    upload: async (target, file) => attempt(() => put(target, file, null)),
    async edit(channel, ts, message) {
      if (paper.isDown) return refusal('unreachable');
      const there = paper.messages.find((one) => one.ts === ts && one.target.channel === channel);
      if (there === undefined) return refusal('gone');
      there.message = message;
      there.edits += 1;
      return { ts };
    },
    progress() {
      paper.progressed += 1;
    },
    async find({ channel }, runId) {
      if (paper.isDown) throw new Error('unreachable');
      if (!paper.mayLook) return 'may-not-look';
      const there = paper.messages.find((one) => one.runId === runId && one.target.channel === channel);
      return there === undefined ? null : { ts: there.ts };
    },
    async close() {},
  };
  return paper;
}

/** What a run says by itself in its thread; the rest are replies. */
const OWN = /\/(?:checklist|verdict|step-[1-6])$/;

/** Replies in threads that are not of the threads' own messages. */
export const repliesIn = (paper: FakePoster): PostedMessage[] =>
  paper.messages.filter(({ target, runId }) => target.thread !== null && !OWN.test(runId ?? ''));
