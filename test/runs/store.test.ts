import { openFolderStore } from '../../src/runs/folder-store.ts';
import { temporaryFolder } from '../collect/folder.ts';
import { describeStore } from './contract.ts';

describeStore('a folder', async () => {
  const dir = temporaryFolder();
  return () => openFolderStore(dir);
});
