import { type Config, RUNS_FOLDER } from '../config.ts';
import type { Store } from './store/store.ts';

/** Opens the configured store of run records. */
export async function openStore({ runs: { folder, s3 } }: Pick<Config, 'runs'>): Promise<Store> {
  if (s3 === undefined) {
    const { openFolderStore } = await import('./store/folder-store.ts');
    return openFolderStore(folder ?? RUNS_FOLDER);
  }
  const { openS3Store } = await import('./store/s3-store.ts');
  return openS3Store(s3);
}
