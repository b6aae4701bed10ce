/** What blocks paths, named once for all targets behind the same barrier. */
import { list } from '../../format/wording.ts';
import type { PathBlock } from './types.ts';

export interface SharedBlock {
  /** Ends with a full stop. */
  sentence: string;
  /** Addresses or instance ids; empty if the barrier is not one of the targets. */
  targets: string[];
  /** "sg-0e9d does not allow TCP 8080 from …", without the targets. */
  barrier: string | null;
  /** All new connections are blocked. */
  isWhole: boolean;
}

/** In the order of the blocks. */
export function sharedBlocks(blocks: readonly PathBlock[]): SharedBlock[] {
  const keyOf = ({ barrier, sentence }: PathBlock) => (barrier ? `${barrier.groups} ${barrier.text}` : sentence);
  return [...Map.groupBy(blocks, keyOf).values()].flatMap((same): SharedBlock[] => {
    const [first] = same;
    if (first === undefined) return [];
    const isWhole = same.every(({ share }) => share === 1);
    if (first.barrier === undefined) return [{ sentence: `${first.sentence}.`, targets: [], barrier: null, isWhole }];
    const { groups, text } = first.barrier;
    const targets = [...new Set(same.flatMap(({ barrier }) => barrier?.target ?? []))].sort();
    return [{ sentence: `${groups} of ${list(targets)} ${text}.`, targets, barrier: `${groups} ${text}`, isWhole }];
  });
}
