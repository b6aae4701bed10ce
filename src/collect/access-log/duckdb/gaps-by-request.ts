/** Fetches the gaps before the compared requests: some hundred thousand numbers, so without an object for each. */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import * as queries from '../queries.ts';

/**
 * The gaps of each request, ascending, at the index of its number. `gap_request` must exist. DuckDB takes twice as long
 * to build lists of them, and longer still to sort them.
 */
export async function gapsByRequest(
  connection: DuckDBConnection,
  horizon: number,
  requests: number,
): Promise<number[][]> {
  const chunks = await (await connection.run(queries.gaps(horizon))).fetchAllChunks();
  // First how many gaps each request has, then where they start among the gaps of all requests.
  const starts = new Uint32Array(requests + 2);
  for (const chunk of chunks)
    for (const request of integers(chunk, 0)) starts[request + 1] = (starts[request + 1] ?? 0) + 1;
  for (let request = 1; request < starts.length; request++)
    starts[request] = (starts[request] ?? 0) + (starts[request - 1] ?? 0);
  const all = new Int32Array(starts[requests + 1] ?? 0);
  const next = starts.slice();
  for (const chunk of chunks) {
    const gaps = integers(chunk, 1);
    for (const [row, request] of integers(chunk, 0).entries()) {
      const at = next[request] ?? 0;
      all[at] = gaps[row] ?? 0;
      next[request] = at + 1;
    }
  }
  return Array.from({ length: requests + 1 }, (_, request) =>
    ascending(all.subarray(starts[request], starts[request + 1])),
  );
}

function ascending(gaps: Int32Array): number[] {
  const sorted: number[] = [];
  for (const gap of gaps.sort()) sorted.push(gap);
  return sorted;
}

/** An INTEGER column without nulls: a view of the chunk's memory. */
function integers(chunk: DuckDBDataChunk, column: number): Int32Array {
  const size = chunk.rowCount * Int32Array.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, column), size);
  return new Int32Array(buffer, byteOffset, chunk.rowCount);
}
