/** Replies in the thread of a run, each posted once. */
import { logDetails } from '../../diagnose/log-details.ts';
import type { Run } from '../../runs/run.ts';
import { type OnceOnlyPost, postOnce } from '../delivery/post-once.ts';
import type { PostResult, PostTarget } from '../delivery/slack-poster.ts';
import type { DetailId } from '../messages/actions.ts';
import { detailAnswer } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { loadThreadState, threadTs } from './show.ts';
import { readRun, type ThreadContext } from './thread-context.ts';

/** Posts once for each key of a run. */
export async function postReply(
  context: ThreadContext,
  id: string,
  key: string,
  message: Message,
): Promise<PostResult | 'already'> {
  const run = await readRun(context, id);
  return postInThread(context, run, key, (mark) => context.poster.post(threadTarget(run), message, mark));
}

/** Posts the detail behind a button from stored evidence, once for each key. */
export async function postDetail(
  context: ThreadContext,
  id: string,
  detail: DetailId,
  key: string,
): Promise<PostResult | 'already' | 'no-such-run'> {
  const { poster, runs } = context;
  const run = await runs.read(id);
  if (run === null) return 'no-such-run';
  return postInThread(context, run, key, async (mark) => {
    const loadLog = async () => {
      const incident = await runs.evidence(id);
      return incident === null ? null : logDetails(incident.question, incident.evidence);
    };
    const content = await detailAnswer(detail, await loadThreadState(context, run), loadLog);
    return 'filename' in content
      ? poster.upload(threadTarget(run), content)
      : poster.post(threadTarget(run), content, mark);
  });
}

/** A post in progress in another process counts as posted. */
async function postInThread(
  { runs, poster, now }: ThreadContext,
  run: Run,
  key: string,
  post: (mark: string) => Promise<PostResult>,
): Promise<PostResult | 'already'> {
  const mark = `${run.id}/${key}`;
  const record: OnceOnlyPost['record'] = (change) =>
    runs.update(run.id, (current) => {
      const before = current.replies[key] ?? null;
      const { record: after, result } = change(before);
      if (after === before) return { run: current, result };
      const { [key]: _, ...others } = current.replies;
      return { run: { ...current, replies: after === null ? others : { ...others, [key]: after } }, result };
    });
  const find = () => poster.find(threadTarget(run), mark);
  const posted = await postOnce({ record, find, post: () => post(mark), now });
  return posted === 'busy' ? 'already' : posted;
}

const threadTarget = ({ thread }: Run): PostTarget => ({ channel: thread.channel, thread: threadTs(thread) });
