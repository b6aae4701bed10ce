/** Columns of equal length; see LineColumns. Places and routes are numbered from 0. */
export interface EntryBatch {
  rows: number;
  ended: Float64Array;
  place: Uint32Array;
  client: Float64Array;
  route: Uint32Array;
  sample: Uint32Array;
  targetMs: Int32Array;
  received: Int32Array;
  status: Int16Array;
  targetStatus: Int16Array;
}
