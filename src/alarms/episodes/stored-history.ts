/** Reads stored histories, including those of release 0.1. */
import * as z from 'zod';
import { type EpisodeRecord, History, type NewAction } from './episode-record.ts';

/** Fields of release 0.1: pairs of counters for requested and completed work. */
const RecordOf01 = z.looseObject({
  news: z.array(z.string()),
  sentences: z.array(z.string()),
  said: z.number(),
  opened: z.boolean(),
  waitsSince: z.string().nullable(),
  dropped: z.boolean(),
  version: z.number(),
  shown: z.number(),
  askFor: z.number(),
  asked: z.number(),
  closings: z.number(),
  told: z.number(),
  toldAt: z.string().nullable(),
});
type RecordOf01 = z.infer<typeof RecordOf01>;

const HistoryOf01 = z.looseObject({ schema: z.literal(1), episodes: z.array(RecordOf01) });

/** Parses a history written by any release. */
export const StoredHistory: z.ZodType<History> = z.preprocess((stored) => {
  const old = HistoryOf01.safeParse(stored);
  return old.success ? { ...old.data, schema: 2, episodes: old.data.episodes.map(upgraded) } : stored;
}, History);

function upgraded(old: RecordOf01): unknown {
  const { news, sentences, said, opened, waitsSince, dropped, version, shown, askFor, asked, closings, told, toldAt } =
    old;
  const { episode, from, heardAt, channel } = old;
  const unsaid = sentences.slice(said);
  const actions: NewAction[] = [
    ...(version > shown ? [{ kind: 'refresh' as const }] : []),
    ...(unsaid.length > 0 ? [{ kind: 'say' as const, sentences: unsaid }] : []),
    ...(askFor > asked ? [{ kind: 'ask-again' as const }] : []),
    ...(closings > told ? [{ kind: 'tell-end' as const, end: closings }] : []),
  ];
  const record = {
    episode,
    from,
    heardAt,
    events: news,
    channel,
    thread: upgradedThread(opened, waitsSince, dropped),
    sentences,
    ends: closings,
    endToldAt: toldAt,
    ...pendingOf(actions),
  };
  return record;
}

function upgradedThread(opened: boolean, waitsSince: string | null, dropped: boolean): unknown {
  if (opened) return { state: 'open' };
  if (waitsSince !== null) return { state: 'waiting', since: waitsSince };
  return { state: dropped ? 'dropped' : 'none' };
}

/** Numbers the actions from one. */
const pendingOf = (actions: readonly NewAction[]): Pick<EpisodeRecord, 'pending' | 'actions'> => ({
  pending: actions.map((action, at) => ({ ...action, number: at + 1 })),
  actions: actions.length,
});
