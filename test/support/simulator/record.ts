/** Writes the recorded incidents: `node test/support/simulator/record.ts [name]`. The same bytes each time. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeRecording } from './recording.ts';
import { recordings } from './recordings/all.ts';
import { oneRowName, writeOneRow } from './recordings/one-row.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'scenarios');
const wanted = process.argv[2];
const isWanted = (name: string) => wanted === undefined || name.includes(wanted);
const size = (bytes: number) => `${Math.round(bytes / 1024)} KB`;
const names = [oneRowName, ...recordings.map((recording) => recording.name)].sort();
if (!names.some(isWanted)) {
  console.error(`No recording is named ${wanted}. There are: ${names.join(', ')}`);
  process.exitCode = 1;
}
if (isWanted(oneRowName)) console.log(`${oneRowName}  ${size(writeOneRow(root))}  written out`);
for (const recording of recordings) {
  if (!isWanted(recording.name)) continue;
  const { simulation, bytes } = writeRecording(recording, root);
  const { requests, errors, causes, clientClosed } = simulation.truth;
  const patience = clientClosed > 0 ? `  ${clientClosed} × 460` : '';
  console.log(
    `${recording.name}  ${size(bytes)}  ${requests} requests  ${errors} errors  ${JSON.stringify(causes)}${patience}`,
  );
}
