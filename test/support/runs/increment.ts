/** A process of its own that counts up in a store: `node increment.ts <folder> <times>`. */
import { openFolderStore } from '../../../src/runs/store/folder-store.ts';

const [, , dir = '', times = '0'] = process.argv;
const store = await openFolderStore(dir);
for (let done = 0; done < Number(times); ) {
  const there = await store.read('counter');
  const next = `${Number(there?.body ?? 0) + 1}`;
  if ((await store.write('counter', next, there === null ? 'absent' : { version: there.version })) !== null) done++;
}
