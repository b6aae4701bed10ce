import { openFolderStore } from '../../../src/runs/store/folder-store.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { describeStore } from '../../support/runs/store-contract.ts';

describeStore('a folder', async () => {
  const dir = temporaryFolder();
  return () => openFolderStore(dir);
});
